"""A record's place on the log, and a record that is to be written to it."""

from __future__ import annotations

from typing import NamedTuple


class Coordinates(NamedTuple):
    """Where a record stands on the log."""

    topic: str
    partition: int
    offset: int


class Output(NamedTuple):
    """One record to write to the log."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
