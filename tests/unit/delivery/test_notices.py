"""What an operator is told: an account's pause and its end, dead letters by reason; ids, never addresses."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from services.delivery.accounts import OwnEndpoints
from services.delivery.breaker import Breaker
from services.delivery.channels.stub import StubSender
from services.delivery.core.attempts import AttemptFault, ProviderUnavailable, Rejected, Sent
from services.delivery.dead_letter_notices import EVERY_SECONDS, DeadLetterNotices
from services.delivery.parking import Parking
from shared.model.channels import Channel
from shared.model.deliveries import DeliveryResult, DeliveryState
from shared.model.provider_accounts import AccountPolicy
from shared.model.reasons import Reason
from shared.process.clock import now_ms
from tests.support import samples as a
from tests.support.twins.holds import MemoryHolds
from tests.support.twins.provider_accounts import MemoryProviderAccounts
from tests.unit.delivery.scenes import POLICY, TOPICS, WorkerScene

pytestmark = pytest.mark.usefixtures("clock")
DOWN = ProviderUnavailable(code="535 5.7.8", fault=AttemptFault.ACCOUNT)
PAUSE = POLICY.first_pause // 1000


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def told(logs: list[Any], level: str) -> list[str]:
    return [line["event"] for line in logs if line["log_level"] == level]


async def test_an_outage_is_one_warning_and_one_line_when_it_is_over(clock: time_machine.Traveller) -> None:
    scene = WorkerScene()
    parking = Parking(
        channel=Channel.EMAIL, accounts=scene.carriers, rows=scene.accounts, holds=scene.holds, policy=POLICY, slice_size=9,
        learn=scene.breaker.learn,
    )  # fmt: skip
    scene.sender.outcome = lambda _: DOWN
    with capture_logs() as logs:
        for number in range(5):
            await scene.deliver(a.received(id=f"d-{number}"))
        for _ in range(3):  # probes that are not answered either
            clock.shift(600)
            await parking.look()
            (hold,) = [row.hold for row in scene.holds.rows.values() if row.due <= now_ms()]
            del scene.holds.rows[hold.id]
            await scene.deliver(a.received(id=hold.record.subject, pass_=hold.record.pass_))
        clock.shift(600)
        scene.sender.outcome = lambda _: Sent()
        await scene.deliver(a.received(id="fresh"))
    assert told(logs, "warning") == ["account_paused"]
    assert told(logs, "info") == ["account_answers"]
    paused, answers = (line for line in logs if line["event"].startswith("account_"))
    assert (paused["account"], paused["code"], paused["fault"], paused["pause_seconds"], paused["parked"]) == (
        "email/smtp", "535 5.7.8", "account", PAUSE, 0,
    )  # fmt: skip
    assert (answers["account"], answers["after_seconds"], answers["parked"]) == ("email/smtp", 2400, 5)


async def test_a_recipients_own_endpoint_is_no_warning_and_no_address_is_told() -> None:
    breaker = Breaker(
        channel=Channel.WEBHOOK,
        accounts=OwnEndpoints(StubSender(), lambda _: "endpoint-id"),
        rows=MemoryProviderAccounts(),
        holds=MemoryHolds(),
        policy=AccountPolicy(),
    )
    delivery = a.delivery(address="https://example.com/secret")
    with capture_logs() as logs:
        await breaker.note(delivery, "endpoint-id", await breaker.admit(delivery, "endpoint-id"), DOWN)
        gone = Rejected(reason=Reason.ENDPOINT_GONE, code="410")
        await breaker.note(delivery, "endpoint-id", await breaker.admit(delivery, "endpoint-id"), gone)
    assert told(logs, "info") == ["account_paused"]
    assert told(logs, "warning") == ["endpoint_disabled"]
    assert "example.com" not in repr(logs)


async def test_that_mongodb_cannot_count_what_is_parked_holds_up_no_result() -> None:
    scene = WorkerScene()
    scene.sender.outcome = lambda _: DOWN
    scene.holds.outages.add(1)
    with capture_logs() as logs:
        await scene.deliver()
    (paused,) = logs
    assert paused["parked"] is None


def test_dead_letters_are_counted_each_and_told_once_a_minute_for_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    notices = DeadLetterNotices(Channel.EMAIL, TOPICS)
    topic = TOPICS.deliveries_dlq(Channel.EMAIL)
    before = sample("carillon_dead_letters_total", topic=topic, code="rejected")

    def dies(reason: Reason, number: int = 0) -> None:
        result = DeliveryResult(state=DeliveryState.DEAD, at=a.NOON, attempts=1, reason=reason, code="550 5.1.1")
        notices.note(a.delivery(id=f"d-{number}"), result)

    with capture_logs() as logs:
        for number in range(100):
            dies(Reason.REJECTED, number)
        dies(Reason.RENDER_FAILED)
        now += EVERY_SECONDS
        dies(Reason.REJECTED, 100)
    assert sample("carillon_dead_letters_total", topic=topic, code="rejected") == before + 101
    assert [(line["reason"], line["count"], line["delivery"]) for line in logs] == [
        ("rejected", 1, "d-0"),
        ("render_failed", 1, "d-0"),
        ("rejected", 100, "d-100"),
    ]
    assert "ada@example.com" not in repr(logs)


async def test_a_replay_of_a_dead_letter_is_not_counted_again() -> None:
    scene = WorkerScene()
    scene.sender.outcome = lambda _: Rejected(code="550")
    topic = TOPICS.deliveries_dlq(Channel.EMAIL)
    before = sample("carillon_dead_letters_total", topic=topic, code="rejected")
    with capture_logs() as logs:
        await scene.deliver()
        await scene.deliver()
    assert sample("carillon_dead_letters_total", topic=topic, code="rejected") == before + 1
    assert len(scene.publisher.on(topic)) == 2, "control: it is written again"
    assert told(logs, "warning") == ["dead_letter"]


async def test_what_is_parked_without_being_sent_is_no_attempt() -> None:
    scene = WorkerScene()
    scene.sender.outcome = lambda _: DOWN
    before = sample("carillon_attempts_total", channel="email", fault="account")
    others = sample("carillon_attempts_total", channel="email", fault="provider")
    for number in range(4):
        await scene.deliver(a.received(id=f"d-{number}"))
    assert sample("carillon_attempts_total", channel="email", fault="account") == before + 1
    assert sample("carillon_attempts_total", channel="email", fault="provider") == others
