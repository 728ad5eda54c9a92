"""What operators send about dead letters."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from services.console.letters.core.letter_filter import LetterFilter

MAX_PER_SECOND: int = 1_000


class RedriveBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one letter is sent again."""

    data: dict[str, Any] | None = None
    """What is sent instead, for this delivery alone."""
    force: bool = False
    """Although it has expired, or another channel has it."""
    dry_run: bool = False


class RedriveManyBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which letters are sent again, all of those that are open; `{}` means every one."""

    filter: LetterFilter
    per_second: Annotated[int, msgspec.Meta(ge=1, le=MAX_PER_SECOND)] = 50
    """At most so many in a second."""
    force: bool = False
    dry_run: bool = False
