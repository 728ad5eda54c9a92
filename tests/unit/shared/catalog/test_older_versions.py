"""Older versions in memory: within a bound in bytes, and never less than what somebody has just asked for."""

from __future__ import annotations

import msgspec

from shared.catalog.older_versions import OlderVersions
from tests.support import samples as a

SIZE = len(msgspec.json.encode(a.workflow(version=1)))


def kept(older: OlderVersions, numbers: range) -> list[int]:
    return [number for number in numbers if older.get(("acme", "w", number))]


def keep(older: OlderVersions, numbers: range) -> None:
    for number in numbers:
        older.keep(("acme", "w", number), a.workflow(version=number))


def test_beyond_the_bound_the_ones_kept_first_are_forgotten() -> None:
    older = OlderVersions(max_bytes=3 * SIZE)
    keep(older, range(1, 6))
    older.forget_but([])
    assert kept(older, range(1, 6)) == [3, 4, 5]


def test_what_was_asked_for_stays_even_above_the_bound() -> None:
    older = OlderVersions(max_bytes=2 * SIZE)
    keep(older, range(1, 6))
    older.forget_but([("acme", "w", number) for number in (1, 2, 3, 4)])
    assert kept(older, range(1, 6)) == [1, 2, 3, 4]
    older.forget_but([])
    assert kept(older, range(1, 6)) == [3, 4], "and is counted: the next one brings it back below"


def test_one_that_is_kept_again_counts_once() -> None:
    older = OlderVersions(max_bytes=2 * SIZE)
    for _ in range(5):
        keep(older, range(1, 3))
    older.forget_but([])
    assert kept(older, range(1, 3)) == [1, 2]
