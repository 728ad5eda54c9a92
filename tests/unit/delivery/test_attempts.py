"""What becomes of a delivery after an attempt."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.delivery.core.attempts import (
    JITTER,
    LONGEST_RETRY_AFTER_MS,
    DeliveryResult,
    Failed,
    Outcome,
    ProviderUnavailable,
    Rejected,
    Sent,
    decide,
)
from shared.model.deliveries import DeliveryState
from shared.model.reasons import Reason
from tests.support.samples import DAY, NOON

SCHEDULE = [10_000, 60_000, 600_000]


def result(outcome: Outcome, attempts: int = 1, **changes: Any) -> DeliveryResult:
    known: dict[str, Any] = {
        "delivery": "d",
        "now": NOON,
        "schedule": SCHEDULE,
        "expires_at": NOON + DAY,
    }
    return decide(outcome, attempts=attempts, **(known | changes))


@pytest.mark.parametrize(
    ("outcome", "attempts", "expected"),
    [
        (Sent(receipt="250 ok"), 2, DeliveryResult(state=DeliveryState.SENT, at=NOON, attempts=2, code="250 ok")),
        (Rejected(code="550"), 1,
         DeliveryResult(state=DeliveryState.DEAD, at=NOON, attempts=1, reason=Reason.REJECTED, code="550")),
        (Rejected(reason=Reason.RENDER_FAILED), 1,
         DeliveryResult(state=DeliveryState.DEAD, at=NOON, attempts=1, reason=Reason.RENDER_FAILED)),
        (Failed(code="500"), 4,
         DeliveryResult(state=DeliveryState.DEAD, at=NOON, attempts=4, reason=Reason.ATTEMPTS_EXHAUSTED, code="500")),
        (ProviderUnavailable(code="refused"), 1,
         DeliveryResult(state=DeliveryState.PARKED, at=NOON, attempts=0, reason=Reason.PROVIDER_DOWN, code="refused", due=NOON + DAY)),
        (ProviderUnavailable(), 4, DeliveryResult(state=DeliveryState.PARKED, at=NOON, attempts=3, reason=Reason.PROVIDER_DOWN, due=NOON + DAY)),
    ],
)  # fmt: skip
def test_result(outcome: Outcome, attempts: int, expected: DeliveryResult) -> None:
    assert result(outcome, attempts) == expected


def test_each_attempt_of_the_schedule_is_used_and_then_it_is_dead() -> None:
    states = [result(Failed(), attempts).state for attempts in range(1, len(SCHEDULE) + 2)]
    assert states == [DeliveryState.RETRYING] * len(SCHEDULE) + [DeliveryState.DEAD]
    assert result(Failed(), 1, schedule=[]).state is DeliveryState.DEAD


@pytest.mark.parametrize(("most", "retries"), [(0, 0), (1, 1), (2, 2), (3, 3), (7, 7), (None, 3)])
def test_a_notification_may_have_fewer_or_more_retries_than_its_channel(most: int | None, retries: int) -> None:
    results = [result(Failed(), attempts, max_retries=most) for attempts in range(1, retries + 2)]
    assert [one.state for one in results] == [DeliveryState.RETRYING] * retries + [DeliveryState.DEAD]
    waits = [one.due - NOON for one in results if one.due is not None]
    assert all(wait >= 600_000 * 0.8 for wait in waits[2:]), "the last wait again"


def test_a_retry_that_was_asked_for_waits_though_the_channel_has_none() -> None:
    assert (result(Failed(), schedule=[], max_retries=1).due or 0) > NOON + 40_000


OUTCOMES = st.one_of(
    st.just(Sent()), st.just(Rejected()), st.just(ProviderUnavailable()),
    st.builds(Failed, retry_after_ms=st.none() | st.integers(0, 10**15)),
)  # fmt: skip


@given(
    OUTCOMES,
    st.text(max_size=40),
    st.integers(1, 6),
    st.lists(st.integers(0, DAY), max_size=5),
    st.integers(-DAY, 2 * DAY),
)
def test_laws(outcome: Outcome, delivery: str, attempts: int, schedule: list[int], left: int) -> None:
    assume(max(delivery, default="") < "\ud800" or delivery.isprintable())
    expires_at = NOON + left
    found = result(outcome, attempts, delivery=delivery, schedule=schedule, expires_at=expires_at)
    assert found == result(outcome, attempts, delivery=delivery, schedule=schedule, expires_at=expires_at), "a replay"
    assert (found.due is not None) == (found.state in (DeliveryState.RETRYING, DeliveryState.PARKED))
    assert found.state.is_terminal == (found.due is None)
    assert found.attempts == attempts - isinstance(outcome, ProviderUnavailable), "ProviderUnavailable burns nothing"
    if found.due is None:
        return
    assert found.due <= expires_at, "never after it expires"
    if isinstance(outcome, Failed) and found.due < expires_at:
        asked = min(outcome.retry_after_ms or 0, LONGEST_RETRY_AFTER_MS)
        assert found.due >= NOON + asked, "never before Retry-After"
        planned = schedule[attempts - 1]
        assert planned * (1 - JITTER) - 1 <= max(planned, found.due - NOON)
        assert found.due - NOON <= max(asked, planned * (1 + JITTER) + 1)


@pytest.mark.parametrize(
    ("asked", "wait"),
    [(120_000, 120_000), (LONGEST_RETRY_AFTER_MS - 1, LONGEST_RETRY_AFTER_MS - 1), (10**15, LONGEST_RETRY_AFTER_MS)],
)
def test_the_wish_of_a_provider(asked: int, wait: int) -> None:
    assert result(Failed(retry_after_ms=asked), expires_at=NOON + 9 * DAY).due == NOON + wait
    assert result(Failed(retry_after_ms=asked), expires_at=NOON + 5).due == NOON + 5


def test_a_wish_as_long_as_the_message_lives_is_not_the_last_attempt() -> None:
    """`Retry-After: 86400` on one 503, and 24 h to live: due at its end it would expire without a second attempt."""
    due = result(Failed(code="503", retry_after_ms=DAY), expires_at=NOON + DAY).due
    assert due is not None
    assert due <= NOON + DAY // 2


def test_deliveries_that_failed_together_come_back_apart() -> None:
    dues = {result(Failed(), delivery=f"d-{number}").due or 0 for number in range(100)}
    assert len(dues) > 90
    assert min(dues) >= NOON + SCHEDULE[0] * (1 - JITTER)
    assert max(dues) <= NOON + SCHEDULE[0] * (1 + JITTER)
    assert max(dues) - min(dues) > SCHEDULE[0] * JITTER, "to both sides"


@pytest.mark.parametrize(
    ("at_most_once", "state", "reason"),
    [
        (True, DeliveryState.UNCONFIRMED, Reason.UNCONFIRMED),
        (False, DeliveryState.RETRYING, Reason.TEMPORARY_FAILURE),
    ],
)
def test_what_may_have_been_taken_is_not_sent_again_where_at_most_once_is_promised(
    at_most_once: bool, state: DeliveryState, reason: Reason
) -> None:
    found = result(Failed(code="no_answer", unconfirmed=True), at_most_once=at_most_once)
    assert (found.state, found.reason, found.code, found.attempts) == (state, reason, "no_answer", 1)
    certain = result(Failed(code="no_answer"), at_most_once=at_most_once)
    assert certain.state is DeliveryState.RETRYING
