"""What becomes of a delivery that waits for the producer's sender."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.delivery.core.effects import derive_effects
from services.delivery.core.pulled import SENDERS, settle
from shared.model.attempts import Attempt, AttemptOutcome
from shared.model.channels import Channel
from shared.model.deliveries import DeliveryResult, DeliveryState
from shared.model.holds import Cause
from shared.model.pull import PullReport, ReportKind, first_look, last_look, next_look, without_person
from shared.model.reasons import Reason
from shared.model.records import Kind, decode_delivery, encode
from shared.model.staging import SendMode
from shared.model.topics import Topics
from shared.mongo.indexes import LEAST_GUARD_DAYS
from tests.support import samples as a
from tests.support.pulled import HOUR, pulled

pytestmark = pytest.mark.usefixtures("clock")
NOW = a.NOON
SCHEDULE = (10_000, 60_000)


def said(kind: ReportKind, **more: Any) -> PullReport:
    return PullReport(kind=kind, at=NOW - 5, **more)


def settled(*, at_most_once: bool = False, now: int = NOW, **changes: Any) -> DeliveryResult | None:
    """Without its log."""
    found = settle(pulled(**changes), now, schedule=SCHEDULE, at_most_once=at_most_once)
    return None if found is None else msgspec.structs.replace(found, log=())


def result(state: DeliveryState, attempts: int, reason: Reason | None = None, **more: Any) -> DeliveryResult:
    return DeliveryResult(state=state, attempts=attempts, reason=reason, **{"at": NOW} | more)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"lease_until": NOW + 1}, None),
        ({}, None),
        ({"report": said(ReportKind.SENT, code="SM1"), "lease_until": NOW + 9},
         result(DeliveryState.SENT, 1, code="SM1", at=NOW - 5)),
        ({"report": said(ReportKind.SENT), "lease_until": NOW - 9, "attempts": 2},
         result(DeliveryState.SENT, 3, at=NOW - 5)),
        ({"report": said(ReportKind.SENT), "about": {"expires_at": NOW - 1}},
         result(DeliveryState.SENT, 1, at=NOW - 5)),
        ({"report": said(ReportKind.REJECTED, code="no_account")},
         result(DeliveryState.DEAD, 1, Reason.REJECTED, code="no_account", at=NOW - 5)),
        ({"report": said(ReportKind.FAILED, code="busy"), "attempts": 2},
         result(DeliveryState.DEAD, 3, Reason.ATTEMPTS_EXHAUSTED, code="busy", at=NOW - 5)),
        ({"lease_until": NOW, "attempts": 2},
         result(DeliveryState.DEAD, 3, Reason.ATTEMPTS_EXHAUSTED, code="lease_expired")),
        ({"report": said(ReportKind.STALE), "lease_until": NOW, "attempts": 2},
         result(DeliveryState.STALE, 2, Reason.WAITED_TOO_LONG, at=NOW - 5)),
        ({"simulated": True}, result(DeliveryState.SENT, 1, code="simulated", mode=SendMode.SIMULATED)),
        ({"simulated": True, "about": {"expires_at": NOW}}, result(DeliveryState.EXPIRED, 0, Reason.EXPIRED)),
        ({"address": ""}, result(DeliveryState.SUPPRESSED, 0, Reason.USER_DELETED)),
        ({"about": {"expires_at": NOW}, "attempts": 1}, result(DeliveryState.EXPIRED, 1, Reason.EXPIRED)),
        ({"about": {"expires_at": NOW}, "lease_until": NOW + 1}, None),
        ({"fallback_at": NOW + 1}, None),
        ({"fallback_at": NOW}, result(DeliveryState.PARKED, 0, Reason.PROVIDER_DOWN, code="not_taken", due=NOW, account=SENDERS)),
        ({"fallback_at": NOW, "lease_until": NOW + 1}, None),
    ],
)  # fmt: skip
def test_result(changes: dict[str, Any], expected: DeliveryResult | None) -> None:
    assert settled(**changes) == expected


@pytest.mark.parametrize(
    "changes", [{"lease_until": NOW}, {"report": said(ReportKind.FAILED, code="busy"), "lease_until": NOW + 1}]
)
def test_a_failed_attempt_is_tried_again_by_the_schedule(changes: dict[str, Any]) -> None:
    found = settled(**changes)
    assert found is not None
    assert (found.state, found.attempts, found.reason) == (DeliveryState.RETRYING, 1, Reason.TEMPORARY_FAILURE)
    assert found.due is not None
    assert 7_000 <= found.due - found.at <= 12_500


def test_the_senders_wish_to_wait_counts() -> None:
    found = settled(report=said(ReportKind.FAILED, retry_after_ms=1_800_000))
    assert found is not None
    assert found.due == NOW - 5 + 1_800_000


def test_where_twice_is_worse_than_never_a_silent_sender_ends_it() -> None:
    found = settled(lease_until=NOW, at_most_once=True)
    assert found == result(DeliveryState.UNCONFIRMED, 1, Reason.UNCONFIRMED, code="lease_expired")
    failed = settled(report=said(ReportKind.FAILED), at_most_once=True)
    assert failed is not None
    assert failed.state is DeliveryState.RETRYING, "who says that it failed has not sent it"


def test_what_a_sender_did_is_an_attempt_in_the_log() -> None:
    taken = {"taken_at": NOW - 105, "lease_until": NOW}
    sent = settle(pulled(report=said(ReportKind.SENT, code="SM1"), **taken), NOW, schedule=SCHEDULE, at_most_once=False)
    assert sent is not None
    assert sent.log == (
        Attempt(account=SENDERS, outcome=AttemptOutcome.SENT, at=NOW - 105, latency_ms=100, code="SM1"),
    )
    silent = settle(pulled(**taken), NOW, schedule=SCHEDULE, at_most_once=False)
    assert silent is not None
    assert (silent.log[0].outcome, silent.log[0].latency_ms) == (AttemptOutcome.UNCONFIRMED, 105)
    assert settled(fallback_at=NOW) == settle(pulled(fallback_at=NOW), NOW, schedule=(), at_most_once=False)


@pytest.mark.parametrize(("most", "state"), [(0, DeliveryState.DEAD), (9, DeliveryState.RETRYING)])
def test_a_producer_may_say_how_often(most: int, state: DeliveryState) -> None:
    attempts = 0 if most == 0 else 5
    found = settled(report=said(ReportKind.FAILED, code="busy"), max_retries=most, attempts=attempts)
    assert found is not None
    assert found.state is state


def test_what_nobody_takes_comes_back_as_one_whose_provider_is_down() -> None:
    waits = pulled(fallback_at=NOW, fallback=(Channel.EMAIL,))
    found = settle(waits, NOW, schedule=SCHEDULE, at_most_once=False)
    assert found is not None
    hold = derive_effects(Topics(), waits.received, found).hold
    assert hold is not None
    assert (hold.cause, hold.due, hold.record.kind, hold.record.due) == (Cause.PROVIDER_DOWN, NOW, Kind.RETRY, None)
    assert hold.record.pass_ == 1


def test_when_a_worker_looks() -> None:
    delivery = pulled(fallback_at=NOW + 5).delivery
    assert first_look(pulled(fallback_at=NOW + 5, fresh_until=NOW + 1)) == NOW + 1
    assert first_look(pulled(fallback_at=NOW + 5, fresh_until=NOW + 9)) == NOW + 5
    assert first_look(pulled(address="")) == first_look(pulled(simulated=True)) == 0
    assert (last_look(delivery), last_look(pulled().delivery)) == (NOW + 5, NOW + HOUR)
    for_long = pulled(about={"expires_at": NOW + 300 * a.DAY}).delivery
    assert next_look(delivery, NOW) == NOW + 5
    assert NOW + a.DAY < next_look(for_long, NOW) < NOW + LEAST_GUARD_DAYS * a.DAY, "while its row is kept"


def test_of_a_deleted_person_nothing_is_left_but_ids() -> None:
    about = {"actor": "bob", "data": a.notification().data}
    left = without_person(pulled(name="Ada", locale="de", about=about).delivery)
    raw = encode(left)
    assert not any(word in raw for word in (b"Ada", b"A7", b"bob", b'"de"'))
    assert decode_delivery(raw).id == "d"
    assert (left.address, left.notification.user) == ("", "ada")
