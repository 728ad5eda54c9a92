"""What is kept of what a run leaves behind."""

from __future__ import annotations

from tests.chaos.evidence import note
from tests.chaos.tables import Status

HEADERS = [("ce_id", b"1"), ("ce_type", b"carillon.notification.held"), ("ce_subject", b"n1")]


def test_a_status_that_is_repeated_is_kept_once() -> None:
    known: dict[tuple[str, int], Status] = {}
    for _ in range(2):
        note(known, HEADERS, b'{"pass":0}')
    assert [(status.id, status.place, status.state) for status in known.values()] == [("1", ("n1", 0), "held")]


def test_what_says_two_things_under_one_id_is_kept_twice() -> None:
    known: dict[tuple[str, int], Status] = {}
    for due in (b"1", b"2"):
        note(known, HEADERS, b'{"pass":0,"due":' + due + b"}")
    assert [status.data["due"] for status in known.values()] == [1, 2]
