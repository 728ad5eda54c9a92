"""What no provider of several took waits for whichever is back."""

from __future__ import annotations

import pytest
import time_machine
from prometheus_client import REGISTRY

from services.delivery.accounts import Providers
from services.delivery.breaker import Breaker
from services.delivery.channels.stub import StubSender
from services.delivery.core.asked import AskedAccounts
from services.delivery.core.attempts import (
    AttemptFault,
    Rejected,
    Sent,
)
from services.delivery.failover import attempt
from shared.model.channels import Channel
from shared.model.provider_accounts import AccountState
from shared.model.reasons import Reason
from shared.process.clock import now_ms
from tests.support import samples as a
from tests.unit.delivery.two_providers import DOWN, POLICY, Scene, delivery

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def scene() -> Scene:
    return Scene()


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
    await scene.park("d-1", "d-2")
    clock.shift(15)
    await scene.parking().look()
    assert (scene.state("first"), scene.state("second")) == (AccountState.HALF_OPEN, AccountState.HALF_OPEN)
    of_first, of_second = (scene.rows.rows[f"sms/{name}"].probe for name in ("first", "second"))
    assert {of_first, of_second} == {"d-1", "d-2"}
    scene.first.outcome = lambda _: Sent()
    for probe in (of_first, of_second):
        assert isinstance(await scene.attempt(str(probe), pass_=1), Sent)
    assert [each.id for each in scene.second.received] == ["d-0"], "the first took both"
    assert scene.state("second") is AccountState.OPEN


async def probed(scene: Scene, clock: time_machine.Traveller) -> None:
    """Both accounts are down, and `d-1` is on its way to the first as its probe."""
    scene.first.outcome = scene.second.outcome = lambda _: DOWN
    await scene.attempt("d-0")
    await scene.park("d-1")
    clock.shift(15)
    await scene.parking().look()


async def test_a_probe_that_did_not_reach_its_account_is_no_answer_of_it(
    scene: Scene, clock: time_machine.Traveller
) -> None:
    await probed(scene, clock)
    ended = Rejected(reason=Reason.FORBIDDEN_ADDRESS, fault=AttemptFault.ADDRESS)
    scene.first.outcome = lambda _: ended
    assert await scene.attempt("d-1", pass_=1) == ended
    assert scene.state("first") is AccountState.OPEN


async def test_a_probe_of_a_workflow_that_is_no_more_is_no_answer_of_its_account(
    scene: Scene, clock: time_machine.Traveller
) -> None:
    await probed(scene, clock)
    outcome = await attempt(scene.breaker, delivery("d-1", 1), None, 1e12, AskedAccounts())
    assert isinstance(outcome, Rejected)
    assert scene.state("first") is AccountState.OPEN


async def test_what_waits_for_an_account_that_is_no_more_goes_on_as_fast_as_what_is_released(scene: Scene) -> None:
    """Its settings named another provider before; nobody would ever probe that one."""
    former = Providers(Channel.SMS, {"gone": StubSender(lambda _: DOWN)})
    breaker = Breaker(channel=Channel.SMS, accounts=former, rows=scene.rows, holds=scene.holds, policy=POLICY)
    await attempt(breaker, delivery("d-0", 0), a.workflow(), 1e12, AskedAccounts())
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
