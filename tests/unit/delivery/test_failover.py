"""Several providers of a channel: one that is unavailable is passed over, and what none takes waits for whichever is back."""

from __future__ import annotations

import pytest
import time_machine
from prometheus_client import REGISTRY

from services.delivery.accounts import Providers
from services.delivery.breaker import Breaker
from services.delivery.channels.stub import StubSender
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
from services.delivery.parking import Parking
from shared.model.attempts import MAX_CODE, Attempt, AttemptOutcome
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.holds import Cause, Hold
from shared.model.provider_accounts import AccountPolicy, AccountState
from shared.model.reasons import Reason
from shared.model.records import Kind, Record
from shared.process.clock import now_ms
from tests.support import samples as a
from tests.support.twins.holds import MemoryHolds
from tests.support.twins.provider_accounts import MemoryProviderAccounts

pytestmark = pytest.mark.usefixtures("clock")
POLICY = AccountPolicy(first_pause=15_000, longest_pause=600_000, patience=60_000)
DOWN = ProviderUnavailable(code="503")


class Scene:
    """Two providers of SMS, the second one behind the first."""

    def __init__(self, candidates: list[Candidate] | None = None) -> None:
        self.first, self.second = StubSender(), StubSender()
        self.providers = Providers(Channel.SMS, {"first": self.first, "second": self.second}, candidates)
        self.rows, self.holds = MemoryProviderAccounts(), MemoryHolds()
        self.log: list[Attempt] = []
        self.breaker = Breaker(
            channel=Channel.SMS, accounts=self.providers, rows=self.rows, holds=self.holds, policy=POLICY
        )

    async def attempt(self, name: str = "d-1", *, pass_: int = 0, send_before: float = 1e12) -> Outcome | LeaseTooShort:
        return await attempt(self.breaker, delivery(name, pass_), a.workflow(), send_before, self.log)

    def parking(self, providers: Providers | None = None) -> Parking:
        return Parking(
            channel=Channel.SMS, accounts=providers or self.providers, rows=self.rows, holds=self.holds, policy=POLICY,
            slice_size=2, learn=self.breaker.learn,
        )  # fmt: skip

    async def park(self, *names: str, under: str | None = None) -> None:
        await self.holds.insert(
            [
                Hold(
                    cause=Cause.PROVIDER_DOWN,
                    due=now_ms() + a.DAY,
                    record=Record(
                        kind=Kind.RETRY, tenant="acme", user="ada", subject=name, pass_=1, delivery=delivery(name, 0)
                    ),
                    account=under or self.providers.waits_for(delivery(name, 0)),
                )
                for name in names
            ]
        )

    @property
    def due(self) -> list[str]:
        return sorted(row.hold.record.subject for row in self.holds.rows.values() if row.due <= now_ms())

    def state(self, name: str) -> AccountState | None:
        row = self.rows.rows.get(f"sms/{name}")
        return row.state if row else None


def delivery(name: str, pass_: int) -> Delivery:
    return a.delivery(id=name, channel=Channel.SMS, address="+4915112345678", pass_=pass_)


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
    first, second = scene.log
    assert (first.account, first.outcome, first.code) == ("sms/first", AttemptOutcome.UNAVAILABLE, "503")
    assert (first.fault, second.fault) == (AttemptFault.PROVIDER, None)
    assert (second.account, second.outcome, second.at) == ("sms/second", AttemptOutcome.SENT, now_ms())
    assert len(second.code or "") == MAX_CODE
    assert 0 <= second.latency_ms < 10_000
    await scene.attempt("d-2")
    assert [each.account for each in scene.log[2:]] == ["sms/second"], "the paused one was not asked"


async def test_what_ends_before_its_account_is_asked_is_no_attempt(scene: Scene) -> None:
    log: list[Attempt] = []
    outcome = await attempt(scene.breaker, delivery("d-1", 0), None, 1e12, log)
    assert isinstance(outcome, Rejected)
    assert outcome.reason is Reason.UNKNOWN_WORKFLOW
    assert log == []


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
    assert [each.outcome for each in scene.log] == [word]


async def test_what_was_not_sent_in_time_is_no_attempt(scene: Scene) -> None:
    assert isinstance(await scene.attempt(send_before=0), LeaseTooShort)
    assert scene.log == []


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


async def test_a_lease_that_ends_between_two_is_claimed_anew(scene: Scene) -> None:
    scene.first.outcome = lambda _: DOWN
    assert isinstance(await scene.attempt(send_before=0.0), LeaseTooShort)
    assert not scene.second.received


@pytest.mark.parametrize("back", ["first", "second"])
async def test_whichever_answers_first_releases_what_waits(
    scene: Scene, clock: time_machine.Traveller, back: str
) -> None:
    scene.first.outcome = scene.second.outcome = lambda _: DOWN
    await scene.attempt("d-0")
    await scene.park("d-1", "d-2", "d-3")
    clock.shift(15)
    parking = scene.parking()
    {"first": scene.first, "second": scene.second}[back].outcome = lambda _: Sent()
    await parking.look()
    probes = {row.hold.record.subject: name for name, row in scene.holds.rows.items() if row.due <= now_ms()}
    assert len(probes) == 2, "one for each"
    outcomes = []
    for probe, name in probes.items():
        del scene.holds.rows[name]
        outcomes.append(await scene.attempt(probe, pass_=1))
    assert any(isinstance(outcome, Sent) for outcome in outcomes)
    await parking.look()
    clock.shift(1)
    await parking.look()
    assert len(scene.due) == len(scene.holds.rows)


async def test_a_probe_that_another_account_took_leaves_the_account_to_the_next(
    scene: Scene, clock: time_machine.Traveller
) -> None:
    """Else nobody would try it for as long as a probe is waited for."""
    scene.first.outcome = scene.second.outcome = lambda _: DOWN
    await scene.attempt("d-0")
    await scene.park("d-1")
    clock.shift(15)
    await scene.parking().look()
    scene.first.outcome = lambda _: Sent()
    assert isinstance(await scene.attempt("d-1", pass_=1), Sent)
    assert AccountState.HALF_OPEN not in (scene.state("first"), scene.state("second"))


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


async def test_what_waits_for_an_account_that_is_no_more_goes_on_as_fast_as_what_is_released(scene: Scene) -> None:
    """Its settings named another provider before; nobody would ever probe that one."""
    former = Providers(Channel.SMS, {"gone": StubSender(lambda _: DOWN)})
    breaker = Breaker(channel=Channel.SMS, accounts=former, rows=scene.rows, holds=scene.holds, policy=POLICY)
    await attempt(breaker, delivery("d-0", 0), a.workflow(), 1e12, [])
    await scene.park(*(f"d-{number}" for number in range(40)), under="sms/gone")
    await scene.park("as-once", under="sms")
    await scene.park("stays")
    parking = scene.parking()
    before = REGISTRY.get_sample_value("carillon_parked_released_total", {"channel": "sms"}) or 0
    await parking._survey()
    assert len(scene.due) == 30
    assert REGISTRY.get_sample_value("carillon_parked", {"channel": "sms"}) == 12, (
        "who operates it sees what waits for an account that is no more"
    )
    await parking._survey()
    assert set(scene.due) == {f"d-{number}" for number in range(40)} | {"as-once"}
    assert (REGISTRY.get_sample_value("carillon_parked_released_total", {"channel": "sms"}) or 0) - before == 41
    assert "sms/gone" not in scene.rows.rows


async def test_weights_choose_who_is_first() -> None:
    scene = Scene([Candidate("first", 1), Candidate("second", 1)])
    for number in range(60):
        await scene.attempt(f"d-{number}")
    assert min(len(scene.first.received), len(scene.second.received)) > 15
