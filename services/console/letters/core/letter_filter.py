"""Which dead letters are meant: what a caller says of them, checked, and as MongoDB is asked."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from services.console.core.paging import check_instant, check_one_of, check_text, times_between
from services.console.letters.core.letter_row import UNREADABLE
from shared.model.channels import Channel
from shared.model.dead_letters import DeadLetterState
from shared.model.reasons import Reason

MAX_TEXT: Final = 300
_TEXTS: Final = ("code", "workflow", "user")
_TIMES: Final = ("since", "until")


class WantedState(StrEnum):
    """Letters in one state, or in any."""

    OPEN = DeadLetterState.OPEN.value
    REDRIVING = DeadLetterState.REDRIVING.value
    REDRIVEN = DeadLetterState.REDRIVEN.value
    DISCARDED = DeadLetterState.DISCARDED.value
    ANY = "any"


class LetterFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """All that is given must hold; `since` and `until` (which is not included) are RFC 3339 times of the last failure."""

    channel: str | None = None
    code: str | None = None
    """Of the provider, or ours."""
    reason: str | None = None
    workflow: str | None = None
    user: str | None = None
    since: str | None = None
    until: str | None = None


def checked_filter(given: Mapping[str, str | None] | LetterFilter, *, within: str = "") -> LetterFilter:
    """The filter; `within` is the JSON pointer of what holds it. Raises Invalid."""
    if isinstance(given, LetterFilter):
        given = {name: getattr(given, name) for name in LetterFilter.__struct_fields__}
    wanted = {name: value for name, value in given.items() if value is not None}
    check_one_of("channel", wanted.get("channel"), list(Channel), within)
    check_one_of("reason", wanted.get("reason"), [*Reason, UNREADABLE], within)
    for name in _TEXTS:
        if name in wanted:
            check_text(name, wanted[name], MAX_TEXT, within)
    for name in _TIMES:
        if name in wanted:
            check_instant(name, wanted[name], within)
    return LetterFilter(**wanted)


def query_of(tenant: str, wanted: LetterFilter, state: WantedState) -> dict[str, object]:
    """The MongoDB filter of a tenant's letters that are meant."""
    query: dict[str, object] = {"tenant": tenant}
    if state is not WantedState.ANY:
        query["state"] = state.value
    for name in ("channel", "code", "reason", "workflow", "user"):
        value = getattr(wanted, name)
        if value is not None:
            query[name] = value
    times = times_between(wanted.since, wanted.until)
    return query | {"at": times} if times else query
