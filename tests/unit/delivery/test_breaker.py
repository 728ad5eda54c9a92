"""Breakers of several workers over the same rows: what each send costs, and who is the probe."""

from __future__ import annotations

import pytest
import time_machine

from services.delivery.accounts import OwnEndpoints, Providers
from services.delivery.breaker import Breaker
from services.delivery.channels.stub import StubSender
from services.delivery.core.attempts import Failed, Outcome, ProviderUnavailable, Rejected, Sent
from shared.model.channels import Channel
from shared.model.provider_accounts import AccountPolicy, AccountState, Passage
from shared.model.reasons import Reason
from tests.support import samples as a
from tests.support.twins.holds import MemoryHolds
from tests.support.twins.provider_accounts import MemoryProviderAccounts

pytestmark = pytest.mark.usefixtures("clock")
DAYS = 5
POLICY = AccountPolicy(disable_after=DAYS * 86_400_000)
SILENT = Failed(code="timeout", cool_down=True)
DOWN = ProviderUnavailable(code="refused")


@pytest.fixture
def accounts() -> MemoryProviderAccounts:
    return MemoryProviderAccounts()


def breaker(accounts: MemoryProviderAccounts, channel: Channel = Channel.WEBHOOK) -> Breaker:
    own_endpoints = channel is Channel.WEBHOOK
    return Breaker(
        channel=channel,
        accounts=(
            OwnEndpoints(StubSender(), lambda delivery: delivery.address)
            if own_endpoints
            else Providers(channel, {"smtp": StubSender()})
        ),
        rows=accounts,
        holds=MemoryHolds(),
        policy=POLICY if own_endpoints else AccountPolicy(),
    )


async def attempt(worker: Breaker, outcome: Outcome, **changes: object) -> Passage | Outcome:
    """What speaks against a send; else what the send came to in the end."""
    delivery = a.delivery(**changes)
    ((account, _),) = worker.accounts(delivery)
    admission = await worker.admit(delivery, account)
    if admission not in (Passage.FREE, Passage.PROBE):
        return admission
    return await worker.note(delivery, account, admission, outcome)


async def test_health_costs_no_look_at_the_database(accounts: MemoryProviderAccounts) -> None:
    for number in range(3):
        assert await attempt(breaker(accounts), Sent(), id=f"d-{number}") == Sent()
    assert accounts.reads == 0
    assert not accounts.rows


async def test_many_that_fail_at_once_open_it_once(accounts: MemoryProviderAccounts) -> None:
    worker, other = breaker(accounts, Channel.EMAIL), breaker(accounts, Channel.EMAIL)
    for number, each in enumerate([worker, other, worker, other]):
        await each.note(a.delivery(id=f"d-{number}"), "email/smtp", Passage.FREE, DOWN)
    (row,) = accounts.rows.values()
    assert (row.id, row.state, row.due) == ("email/smtp", AccountState.OPEN, a.NOON + 15_000)
    assert await attempt(worker, Sent(), id="next") is Passage.PARKED


async def test_of_two_workers_one_sends_the_probe_and_its_success_frees_both(
    accounts: MemoryProviderAccounts, clock: time_machine.Traveller
) -> None:
    one, two = breaker(accounts), breaker(accounts)
    await attempt(one, SILENT)
    await attempt(two, SILENT)
    clock.shift(15)
    first, second = a.delivery(id="first"), a.delivery(id="second")
    assert await one.admit(first, first.address) is Passage.PROBE
    assert await two.admit(second, second.address) is Passage.PARKED
    await one.note(first, first.address, Passage.PROBE, Sent())
    assert await attempt(two, Sent(), id="second") == Sent()
    assert await attempt(one, Sent(), id="third") == Sent()


async def test_a_worker_that_knows_of_nothing_reports_the_probe_it_is_given(
    accounts: MemoryProviderAccounts, clock: time_machine.Traveller
) -> None:
    await attempt(breaker(accounts), SILENT)
    clock.shift(15)
    assert await attempt(breaker(accounts), Sent(), id="released", pass_=3) == Sent()
    (row,) = accounts.rows.values()
    assert row.state is AccountState.CLOSED


@pytest.mark.parametrize("answer", [Rejected(code="550"), Failed(code="451")])
async def test_a_probe_that_is_refused_was_answered_all_the_same(
    accounts: MemoryProviderAccounts, clock: time_machine.Traveller, answer: Outcome
) -> None:
    worker = breaker(accounts, Channel.EMAIL)
    await attempt(worker, DOWN)
    clock.shift(15)
    assert await attempt(worker, answer, id="probe") == answer
    (row,) = accounts.rows.values()
    assert row.state is AccountState.CLOSED
    assert await attempt(worker, Sent(), id="next") == Sent()


async def test_an_endpoint_that_says_it_is_gone_is_never_called_again(accounts: MemoryProviderAccounts) -> None:
    worker = breaker(accounts)
    gone = Rejected(reason=Reason.ENDPOINT_GONE, code="410")
    assert await attempt(worker, gone, id="finder") == gone
    assert await attempt(worker, Sent(), id="other") is Passage.DISABLED
    fresh = breaker(accounts)
    fresh.learn(await accounts.known(Channel.WEBHOOK))
    assert await attempt(fresh, Sent(), id="another") is Passage.DISABLED
    assert await attempt(fresh, Sent(), id="finder") is Passage.GONE, "a replay ends as the first time"
    assert await attempt(fresh, Sent(), id="last") is Passage.DISABLED, "also after that"


async def test_after_days_without_a_success_an_endpoint_is_given_up(
    accounts: MemoryProviderAccounts, clock: time_machine.Traveller
) -> None:
    worker = breaker(accounts)
    for day in range(DAYS):
        assert await attempt(worker, Failed(code="500"), id=f"d-{day}") == Failed(code="500")
        clock.shift(86_400)
    assert await attempt(worker, Failed(code="500"), id="last") == Rejected(reason=Reason.ENDPOINT_GONE, code="500")


async def test_one_success_among_the_failures_and_it_is_kept(
    accounts: MemoryProviderAccounts, clock: time_machine.Traveller
) -> None:
    worker, other = breaker(accounts), breaker(accounts)
    await attempt(worker, Failed(code="500"))
    clock.shift(3 * 86_400)
    other.learn(await accounts.known(Channel.WEBHOOK))
    await attempt(other, Sent(), id="fine")
    clock.shift(3 * 86_400)
    assert await attempt(worker, Failed(code="500"), id="next") == Failed(code="500")


async def test_what_is_wrong_with_a_message_says_nothing_of_its_account(accounts: MemoryProviderAccounts) -> None:
    assert await attempt(breaker(accounts), Rejected(code="422")) == Rejected(code="422")
    assert not accounts.rows


async def test_while_mongodb_is_unavailable_it_waits(accounts: MemoryProviderAccounts) -> None:
    worker = breaker(accounts)
    accounts.outages.add(3)
    await attempt(worker, SILENT)
    assert accounts.outages.met
    assert len(accounts.rows) == 1
