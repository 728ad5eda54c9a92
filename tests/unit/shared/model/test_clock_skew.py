"""How wrong a clock is: never so corrected that it is early, and left alone while it is in step."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from shared.model.clock_skew import LONGEST_ANSWER_MS, ahead_of


@given(
    skew=some.integers(-(10**7), 10**7),
    there=some.integers(0, LONGEST_ANSWER_MS // 2),
    back=some.integers(0, LONGEST_ANSWER_MS // 2),
    known=some.integers(-(10**7), 10**7),
)
def test_a_corrected_clock_is_not_ahead_and_behind_by_no_more_than_the_answer_took(
    skew: int, there: int, back: int, known: int
) -> None:
    true = 10**12
    before, shared, after = true + skew, true + there, true + there + back + skew
    ahead = ahead_of(before=before, shared=shared, after=after, known=known)
    took = there + back
    corrected, now = after - ahead, true + took
    assert now - took - 1 <= corrected <= now + (took + 1 if ahead == known else 0)


def test_clocks_in_step_are_left_alone() -> None:
    assert ahead_of(before=1_000, shared=1_001, after=1_003, known=0) == 0
    assert ahead_of(before=6_000, shared=1_001, after=6_003, known=5_000) == 5_000


def test_a_clock_that_is_wrong_is_corrected() -> None:
    assert ahead_of(before=6_000, shared=1_001, after=6_003, known=0) == 5_002
    assert ahead_of(before=1_000, shared=6_001, after=1_003, known=0) == -4_998


def test_an_answer_that_took_too_long_says_nothing() -> None:
    assert ahead_of(before=6_000, shared=1_001, after=6_501, known=7) == 7
    assert ahead_of(before=6_000, shared=1_001, after=5_999, known=7) == 7
