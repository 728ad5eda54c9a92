"""What the console's lists share: where a page ends, and the checks of what a caller asks for."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from shared.model.did_you_mean import did_you_mean
from shared.model.errors import Invalid
from shared.model.timestamps import from_datetime, parse_rfc3339, to_datetime


class PagePlace(NamedTuple):
    """Where a page ends: rows are in the order of a time, the newest first, then of their ids."""

    at: datetime
    id: str

    def behind(self, time: str) -> dict[str, object]:
        """The MongoDB filter of what follows; `time` is the field of the order."""
        return {"$or": [{time: {"$lt": self.at}}, {time: self.at, "_id": {"$lt": self.id}}]}


def cursor_of(place: PagePlace) -> str:
    """Opaque to callers."""
    return base64.urlsafe_b64encode(f"{from_datetime(place.at)}.{place.id}".encode()).decode().rstrip("=")


def place_of(cursor: str) -> PagePlace:
    """Raises Invalid for what no page ended with."""
    try:
        at, id_ = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split(".")
        return PagePlace(to_datetime(int(at)), id_)
    except (ValueError, binascii.Error, OverflowError) as error:
        raise Invalid("invalid_cursor", "the cursor is none that a page ended with", "/cursor") from error


def check_one_of(name: str, value: str | None, known: Sequence[str], within: str = "") -> None:
    """Raises Invalid, with what was probably meant, for a value that is not known."""
    if value is not None and value not in known:
        raise Invalid(
            "invalid_filter", f"there is no {name} {value[:60]!r}{did_you_mean(value, known)}", f"{within}/{name}"
        )


def check_text(name: str, value: str, most: int, within: str = "") -> None:
    """Raises Invalid for a text that is empty or too long to be there."""
    if not 0 < len(value) <= most:
        raise Invalid("invalid_filter", f"{name} must have 1 to {most} characters", f"{within}/{name}")


def check_instant(name: str, value: str, within: str = "") -> None:
    """Raises Invalid for what is no RFC 3339 time."""
    try:
        parse_rfc3339(value)
    except (Invalid, ValueError) as error:
        detail = f"{name} must be an RFC 3339 time, as 2026-01-05T08:00:00Z"
        raise Invalid("invalid_filter", detail, f"{within}/{name}") from error


def times_between(since: str | None, until: str | None) -> dict[str, datetime]:
    """The MongoDB bounds of a time; `until` is not included. Empty when both are open."""
    bounds = {"$gte": since, "$lt": until}
    return {how: to_datetime(parse_rfc3339(text)) for how, text in bounds.items() if text is not None}
