"""Format numbers: what lies on the log or in MongoDB says which version of Carillon can read it.

A writer stamps the smallest number that reads what it writes, and leaves 1 out. A reader that finds a larger one than
FORMAT leaves it to a newer process: it is neither wrong nor unknown. What raises the number, and what must not
change under an old one: docs/decisions/0016-versions-of-records.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from shared.model.errors import CarillonError
from shared.model.outputs import Coordinates

FORMAT: int = 2
"""The newest format that this version reads. Always read as `formats.FORMAT`, so that a test can stand for a newer one."""
OLDEST: Final = 1
"""Of what says nothing."""


class NewerFormat(CarillonError):
    """A newer version wrote it, and it waits for one; `at` is the record that waits, where that is known."""

    def __init__(self, what: str, number: int, at: Coordinates | None = None) -> None:
        place = f" at {at.topic}/{at.partition}/{at.offset}" if at else ""
        super().__init__(f"{what}{place} has format {number}; this version reads up to {FORMAT}")
        self.what = what
        self.number = number
        self.at = at

    def of(self, at: Coordinates) -> NewerFormat:
        """The same, about the record that waits for it."""
        return NewerFormat(self.what, self.number, at)


class _Numbered(msgspec.Struct, frozen=True):
    format: int = OLDEST


_decoder: Final = msgspec.json.Decoder(_Numbered)


def check_undecodable(what: str, raw: bytes | None) -> None:
    """For bytes that are not what this version expects. Raises NewerFormat when they are a newer one's."""
    check(what, number_of(raw))


def number_of(raw: bytes | None) -> int:
    """What the bytes of a record say of their format; the oldest where they say nothing."""
    try:
        return _decoder.decode(raw or b"").format
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return OLDEST


def check(what: str, number: int) -> None:
    """Raises NewerFormat when this version is too old for the number."""
    if number > FORMAT:
        raise NewerFormat(what, number)


def check_row(what: str, row: Mapping[str, object]) -> None:
    """The same for a stored row."""
    number = row.get("format", OLDEST)
    if isinstance(number, int) and number > FORMAT:
        raise NewerFormat(what, number)


def check_row_at(what: str, row: Mapping[str, object], at: Coordinates) -> None:
    """The same; the record at `at` waits for it."""
    try:
        check_row(what, row)
    except NewerFormat as newer:
        raise newer.of(at) from None


def readable() -> dict[str, object]:
    """The MongoDB filter of rows that this version reads."""
    return {"format": {"$not": {"$gt": FORMAT}}}


def stamp(number: int) -> dict[str, int]:
    """What a row says of its format: nothing for the oldest, so that rows do not grow."""
    return {"format": number} if number > OLDEST else {}
