"""Which letters are meant: what a caller may say, and what a wrong name is answered."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.core.paging import PagePlace, cursor_of, place_of
from services.console.letters.core.letter_filter import (
    LetterFilter,
    WantedState,
    checked_filter,
    query_of,
)
from shared.model.errors import Invalid
from shared.model.timestamps import to_datetime
from tests.support import samples as a


def test_all_that_is_given_must_hold() -> None:
    wanted = checked_filter({
        "channel": "email", "code": "550", "reason": None, "since": "2026-01-05T12:00:00Z",
        "until": "2026-01-05T13:00:00+01:00",
    })  # fmt: skip
    assert query_of("acme", wanted, WantedState.OPEN) == {
        "tenant": "acme",
        "state": "open",
        "channel": "email",
        "code": "550",
        "at": {"$gte": to_datetime(a.NOON), "$lt": to_datetime(a.NOON)},
    }
    assert query_of("acme", LetterFilter(), WantedState.ANY) == {"tenant": "acme"}


@pytest.mark.parametrize(
    ("given", "pointer", "said"),
    [
        ({"channel": "emial"}, "/channel", 'did you mean "email"?'),
        ({"reason": "rejectet"}, "/reason", 'did you mean "rejected"?'),
        ({"reason": ""}, "/reason", "no reason"),
        ({"code": ""}, "/code", "1 to 300"),
        ({"user": "x" * 301}, "/user", "1 to 300"),
        ({"since": "yesterday"}, "/since", "RFC 3339"),
        ({"until": "2026-13-05T12:00:00Z"}, "/until", "RFC 3339"),
    ],
)
def test_a_wrong_name_says_what_may_be_meant(given: dict[str, str], pointer: str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        checked_filter(given, within="/filter")
    assert (caught.value.code, caught.value.pointer) == ("invalid_filter", f"/filter{pointer}")
    assert said in caught.value.detail


@given(st.integers(0, 4_000_000_000_000), st.uuids().map(str))
def test_a_cursor_comes_back_as_its_place(at: int, letter: str) -> None:
    place = PagePlace(to_datetime(at), letter)
    assert place_of(cursor_of(place)) == place


@given(st.text(max_size=40) | st.sampled_from(["MA", "OTk5OTk5OTk5OTk5OTk5OTk5Lng", "LS4u"]))
def test_another_cursor_is_refused_and_nothing_else_happens(text: str) -> None:
    with suppress(Invalid):
        assert place_of(text).id
