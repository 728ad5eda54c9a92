"""Which dead letters are meant: what a caller says of them, checked, and as MongoDB is asked."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from services.console.letters.core.letter_row import UNREADABLE
from shared.model.channels import Channel
from shared.model.dead_letters import DeadLetterState
from shared.model.did_you_mean import did_you_mean
from shared.model.errors import Invalid
from shared.model.reasons import Reason
from shared.model.timestamps import from_datetime, parse_rfc3339, to_datetime

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


class LetterPlace(NamedTuple):
    """Where a page ends: letters are in the order of their last failure."""

    at: datetime
    id: str


def checked_filter(given: Mapping[str, str | None] | LetterFilter, *, within: str = "") -> LetterFilter:
    """The filter; `within` is the JSON pointer of what holds it. Raises Invalid."""
    if isinstance(given, LetterFilter):
        given = {name: getattr(given, name) for name in LetterFilter.__struct_fields__}
    wanted = {name: value for name, value in given.items() if value is not None}
    _one_of("channel", wanted.get("channel"), list(Channel), within)
    _one_of("reason", wanted.get("reason"), [*Reason, UNREADABLE], within)
    for name in _TEXTS:
        if name in wanted and not 0 < len(wanted[name]) <= MAX_TEXT:
            raise Invalid("invalid_filter", f"{name} must have 1 to {MAX_TEXT} characters", f"{within}/{name}")
    for name in _TIMES:
        if name in wanted:
            _instant(name, wanted[name], within)
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
    bounds = {"$gte": wanted.since, "$lt": wanted.until}
    times = {how: to_datetime(parse_rfc3339(text)) for how, text in bounds.items() if text is not None}
    return query | {"at": times} if times else query


def cursor_of(place: LetterPlace) -> str:
    """Opaque to callers."""
    return base64.urlsafe_b64encode(f"{from_datetime(place.at)}.{place.id}".encode()).decode().rstrip("=")


def place_of(cursor: str) -> LetterPlace:
    """Raises Invalid for what no page ended with."""
    try:
        at, letter = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split(".")
        return LetterPlace(to_datetime(int(at)), letter)
    except (ValueError, binascii.Error, OverflowError) as error:
        raise Invalid("invalid_cursor", "the cursor is none that a page ended with", "/cursor") from error


def _one_of(name: str, value: str | None, known: list[str], within: str) -> None:
    if value is not None and value not in known:
        raise Invalid(
            "invalid_filter", f"there is no {name} {value[:60]!r}{did_you_mean(value, known)}", f"{within}/{name}"
        )


def _instant(name: str, value: str, within: str) -> None:
    try:
        parse_rfc3339(value)
    except (Invalid, ValueError) as error:
        detail = f"{name} must be an RFC 3339 time, as 2026-01-05T08:00:00Z"
        raise Invalid("invalid_filter", detail, f"{within}/{name}") from error
