"""Several providers of a channel: one that is unavailable is passed over, and nothing goes to two."""

from __future__ import annotations

import time

import pytest
import time_machine
from prometheus_client import REGISTRY

from services.delivery.breaker import Breaker
from services.delivery.core.asked import AskedAccounts
from services.delivery.core.attempts import (
    AttemptFault,
    Failed,
    LeaseTooShort,
    Outcome,
    ProviderUnavailable,
    Rejected,
    Sent,
)
from services.delivery.core.choice import Candidate
from services.delivery.failover import attempt
from shared.model.attempts import MAX_CODE, AttemptOutcome
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.provider_accounts import AccountState, ProviderAccount
from shared.model.reasons import Reason
from shared.process.clock import now_ms
from tests.support.twins.provider_accounts import MemoryProviderAccounts
from tests.unit.delivery.two_providers import DOWN, POLICY, Scene, delivery

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_the_next_one_takes_what_the_first_does_not_and_no_attempt_is_lost(scene: Scene) -> None:
    before = REGISTRY.get_sample_value("carillon_failed_over_total", {"channel": "sms", "account": "sms/second"}) or 0
    scene.first.outcome = lambda _: DOWN
    assert isinstance(await scene.attempt(), Sent)
    assert isinstance(await scene.attempt("d-2"), Sent)
    assert [len(scene.first.received), len(scene.second.received)] == [1, 2], "the second message did not try it again"
    after = REGISTRY.get_sample_value("carillon_failed_over_total", {"channel": "sms", "account": "sms/second"})
    assert after == before + 2


async def test_each_account_that_was_asked_is_logged(scene: Scene) -> None:
    scene.first.outcome = lambda _: ProviderUnavailable(code="503", fault=AttemptFault.PROVIDER)
    scene.second.outcome = lambda _: Sent(receipt="SM1" * 100)
    await scene.attempt()
    first, second = scene.asked.log
    assert (first.account, first.outcome, first.code) == ("sms/first", AttemptOutcome.UNAVAILABLE, "503")
    assert (first.fault, second.fault) == (AttemptFault.PROVIDER, None)
    assert (second.account, second.outcome, second.at) == ("sms/second", AttemptOutcome.SENT, now_ms())
    assert len(second.code or "") == MAX_CODE
    assert 0 <= second.latency_ms < 10_000
    await scene.attempt("d-2")
    assert [each.account for each in scene.asked.log[2:]] == ["sms/second"], "the paused one was not asked"


async def test_what_ends_before_its_account_is_asked_is_no_attempt(scene: Scene) -> None:
    asked = AskedAccounts()
    outcome = await attempt(scene.breaker, delivery("d-1", 0), None, 1e12, asked)
    assert isinstance(outcome, Rejected)
    assert outcome.reason is Reason.UNKNOWN_WORKFLOW
    assert asked.log == []


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (Rejected(code="1"), AttemptOutcome.REJECTED),
        (Failed(code="1"), AttemptOutcome.FAILED),
        (Failed(code="1", unconfirmed=True), AttemptOutcome.UNCONFIRMED),
    ],
)
async def test_the_log_says_what_it_came_to(scene: Scene, outcome: Outcome, word: AttemptOutcome) -> None:
    scene.first.outcome = lambda _: outcome
    await scene.attempt()
    assert [each.outcome for each in scene.asked.log] == [word]


async def test_what_was_not_sent_in_time_is_no_attempt(scene: Scene) -> None:
    assert isinstance(await scene.attempt(send_before=0), LeaseTooShort)
    assert scene.asked.log == []


@pytest.mark.parametrize(
    "outcome",
    [
        Rejected(code="21610"),
        Failed(code="500", fault=AttemptFault.PROVIDER),
        Failed(code="timeout", cool_down=True, unconfirmed=True),
    ],
)
async def test_what_an_account_has_taken_or_judged_goes_to_no_other(scene: Scene, outcome: Outcome) -> None:
    """A message that may be on its way already would come twice."""
    scene.first.outcome = lambda _: outcome
    assert await scene.attempt() == outcome
    assert not scene.second.received


async def test_when_none_answers_the_first_ones_reason_is_told(scene: Scene) -> None:
    scene.first.outcome = lambda _: ProviderUnavailable(code="21606", fault=AttemptFault.ACCOUNT)
    scene.second.outcome = lambda _: DOWN
    assert await scene.attempt() == ProviderUnavailable(code="21606", fault=AttemptFault.ACCOUNT)
    assert await scene.attempt("d-2") == ProviderUnavailable(code="parked")
    assert scene.breaker.waits_for(delivery("d-1", 0)) == "sms/first+second"


async def test_of_a_paused_first_and_a_second_that_is_too_busy_the_seconds_word_is_told(scene: Scene) -> None:
    scene.first.outcome = lambda _: DOWN
    await scene.attempt()
    busy = ProviderUnavailable(code="429", fault=AttemptFault.ACCOUNT, retry_after_ms=5000)
    scene.second.outcome = lambda _: busy
    assert await scene.attempt("d-2") == busy


async def test_while_one_of_two_answers_nothing_needs_to_wait_for_the_other(scene: Scene) -> None:
    some = [delivery("d-1", 0), delivery("d-2", 0)]
    assert await scene.breaker.answers(some) == [True, True]
    scene.first.outcome = lambda _: DOWN
    await scene.attempt("d-3")
    assert scene.state("first") is AccountState.OPEN
    assert await scene.breaker.answers(some) == [True, True]
    scene.second.outcome = lambda _: DOWN
    await scene.attempt("d-4")
    assert await scene.breaker.answers(some) == [False, False]


async def test_a_lease_that_ends_between_two_is_claimed_anew(scene: Scene) -> None:
    ends = time.monotonic() + 0.02

    def slowly(_: Delivery) -> Outcome:
        while time.monotonic() < ends:
            pass
        return DOWN

    scene.first.outcome = slowly
    assert isinstance(await scene.attempt(send_before=ends), LeaseTooShort)
    assert (len(scene.first.received), len(scene.second.received)) == (1, 0)


async def test_one_that_wants_to_be_left_alone_for_a_while_is(scene: Scene, clock: time_machine.Traveller) -> None:
    wait = ProviderUnavailable(code="429", fault=AttemptFault.ACCOUNT, retry_after_ms=40_000)
    scene.first.outcome = lambda _: wait
    await scene.attempt()
    scene.first.outcome = lambda _: Sent()
    clock.shift(39)
    await scene.attempt("d-2")
    clock.shift(1)
    await scene.attempt("d-3")
    assert [each.id for each in scene.first.received] == ["d-1", "d-3"]


@pytest.mark.parametrize(("asked", "seconds"), [(0, 1), (-5, 1), (10**15, 600)])
async def test_what_it_asks_for_has_bounds(scene: Scene, asked: int, seconds: int) -> None:
    scene.first.outcome = lambda _: ProviderUnavailable(code="429", retry_after_ms=asked)
    await scene.attempt()
    assert scene.rows.rows["sms/first"].due == now_ms() + seconds * 1000


async def test_weights_choose_who_is_first() -> None:
    scene = Scene([Candidate("first", 1), Candidate("second", 1)])
    for number in range(60):
        await scene.attempt(f"d-{number}")
    assert min(len(scene.first.received), len(scene.second.received)) > 15


async def test_only_while_a_provider_is_asked_its_time_runs(scene: Scene) -> None:
    """A database of ours that is away for a while makes no recipient slow."""
    running: list[tuple[str, bool]] = []

    def answered(_: Delivery) -> Outcome:
        running.append(("asked", scene.asked.since is not None))
        return DOWN

    class Rows(MemoryProviderAccounts):
        async def swap(self, before: ProviderAccount | None, after: ProviderAccount) -> bool:
            running.append(("row", scene.asked.since is not None))
            return await super().swap(before, after)

    scene.first.outcome = scene.second.outcome = answered
    scene.breaker = Breaker(
        channel=Channel.SMS, accounts=scene.providers, rows=Rows(), holds=scene.holds, policy=POLICY
    )
    await scene.attempt()
    assert running == 2 * [("asked", True), ("row", False)]
