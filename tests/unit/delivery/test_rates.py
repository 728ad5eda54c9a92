"""Rate limits: no window holds more than its limit, nobody's turn is lost, and what is over them keeps nobody up."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from services.delivery.accounts import Providers
from services.delivery.channels.stub import StubSender
from services.delivery.core.cell_rates import MAX_KEYS, CellRates, Rate, RateScope, Turn, parse_rates
from services.delivery.core.effects import derive_effects
from services.delivery.rates import MAX_WAIT_MS, Rates
from shared.model.channels import Channel
from shared.model.deliveries import ReceivedDelivery
from shared.model.notifications import Priority
from shared.model.reasons import Reason
from tests.support import samples as a
from tests.unit.delivery.scenes import TOPICS, WorkerScene


@pytest.mark.parametrize(
    ("text", "rates"),
    [
        ("", []),
        ("email=14", [(Channel.EMAIL, RateScope.CHANNEL, 14, 1.0, None)]),
        ("sms/twilio = 10 , sms@tenant=5/2s", [
            (Channel.SMS, RateScope.ACCOUNT, 10, 1.0, "twilio"), (Channel.SMS, RateScope.TENANT, 5, 2.0, None),
        ]),
        ("push@recipient=1/60", [(Channel.PUSH, RateScope.RECIPIENT, 1, 60.0, None)]),
    ],
)  # fmt: skip
def test_limits_are_read_as_they_stand(text: str, rates: list[tuple[Any, ...]]) -> None:
    assert [tuple(rate) for rate in parse_rates(text)] == rates


@pytest.mark.parametrize(
    "text", ["email", "email=0", "email=-1", "email=1/0", "pigeon=1", "email@planet=1", "email=1,email=2", "email=x"]
)
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"write channel=count|no channel|once"):
        parse_rates(text)


@given(st.integers(1, 20), st.sampled_from([0.5, 1.0, 60.0]), st.lists(st.integers(0, 3000), max_size=80))
def test_no_window_holds_more_than_twice_its_limit_and_turns_are_in_order(
    most: int, seconds: float, gaps: list[int]
) -> None:
    """What was saved up may go at once; in the long run no more than the limit goes."""
    pace, now, turns = CellRates(), 1_000_000, []
    rate = Rate(Channel.EMAIL, RateScope.CHANNEL, most, seconds)
    for gap in gaps:
        now += gap
        at = pace.reserve("k", rate, now)
        assert at >= now
        turns.append(at)
    assert all(one <= other for one, other in pairwise(turns))
    for position, at in enumerate(turns):
        inside = sum(at <= other < at + seconds * 1000 - most for other in turns[position:])
        assert inside <= 2 * most


def test_an_even_flood_leaves_at_the_limit() -> None:
    pace, rate = CellRates(), Rate(Channel.EMAIL, RateScope.CHANNEL, 10, 1.0)
    turns = [pace.reserve("k", rate, 0) for _ in range(1010)]
    assert turns[:10] == [0] * 10
    assert turns[-1] == 100_000


def rates(text: str) -> Rates:
    return Rates(Channel.EMAIL, parse_rates(text), Providers(Channel.EMAIL, {"smtp": StubSender()}))


def test_a_narrow_limit_takes_nothing_of_the_wide_one_before_its_time() -> None:
    limits = rates("email=100, email@recipient=1/60s")
    turns = [limits.turn(a.delivery(id=f"d-{number}"), 0) for number in range(3)]
    assert [turn.at for turn in turns] == [0, 60_000, 120_000]
    assert [limits.turn(a.delivery(address=f"{number}@example.com"), 0).at for number in range(99)] == [0] * 99


def test_what_comes_back_at_once_still_keeps_to_the_wide_limit_and_never_waits_twice_for_the_same() -> None:
    limits, people = rates("email=10, email@recipient=1/60s"), [f"{number}@example.com" for number in range(30)]
    parked = [
        limits.turn(a.delivery(address=address), now)
        for now in range(0, 6_000, 200)
        for address in people[now // 200 : now // 200 + 1] * 2
    ][1::2]
    assert all(turn.scopes == 1 for turn in parked), "only its recipient's has kept its turn"
    now = 70_000
    back = [
        limits.turn(a.delivery(address=one, turn_at=turn.at, turns=turn.scopes), now)
        for one, turn in zip(people, parked, strict=True)
    ]
    assert sorted(turn.at for turn in back) == [*[now] * 10, *range(now + 100, now + 2_100, 100)]
    last = back[-1]
    again = a.delivery(address=people[-1], turn_at=last.at, turns=last.scopes)
    assert limits.turn(again, last.at) == Turn(last.at)


def test_urgent_ones_wait_only_behind_each_other_and_the_limit_counts_them() -> None:
    limits, code = rates("email=10"), a.notification(priority=Priority.HIGH)
    for number in range(10_000):
        limits.turn(a.delivery(id=f"c-{number}"), 0)
    codes = [limits.turn(a.delivery(id=f"u-{number}", notification=code), 500).at for number in range(20)]
    assert codes == [*[500] * 10, *range(600, 1_600, 100)]
    back = limits.turn(a.delivery(id="c-next", turn_at=2_000), 2_000)
    assert (back.scopes, back.at > 3_000) == (3, True), "the others make up for them"


def test_turns_that_passed_during_an_outage_or_a_night_are_taken_anew() -> None:
    """All of them would come at once, and the provider would say that we send too fast."""
    limits, late = rates("email@tenant=1"), 8 * 3_600_000
    kept = [limits.turn(a.delivery(id=f"d-{number}"), 0) for number in range(30)]
    back = [a.delivery(id=f"d-{number}", turn_at=turn.at, turns=turn.scopes) for number, turn in enumerate(kept)]
    assert {limits.turn(each, 30_000).at for each in back} == {30_000}, "a control: in time"
    assert [limits.turn(each, late).at - late for each in back] == list(range(0, 30_000, 1_000))


def test_what_expires_before_its_turn_keeps_nobody_behind_it_waiting() -> None:
    limits, short = rates("email@tenant=1"), a.notification(expires_at=60_000)
    turns = [limits.turn(a.delivery(id=f"d-{number}", notification=short), 0).at for number in range(5_000)]
    assert turns[:61] == list(range(0, 61_000, 1_000))
    assert min(turns[60:]) >= short.expires_at, "they wait, and expire"
    later = [limits.turn(a.delivery(id=f"l-{number}"), 58_500).at for number in range(3)]
    assert later == [60_000, 61_000, 62_000]


def test_an_accounts_limit_is_that_of_the_account_that_is_tried_first() -> None:
    both = Providers(Channel.SMS, {"twilio": StubSender(), "vonage": StubSender()})
    first, other = (Rates(Channel.SMS, parse_rates(f"sms/{name}=1/60s"), both) for name in ("twilio", "vonage"))
    sms = a.delivery(channel=Channel.SMS)
    assert [first.turn(sms, 0).at for _ in range(2)] == [0, 60_000]
    assert [other.turn(sms, 0).at for _ in range(2)] == [0, 0]


def test_recipients_take_bounded_memory() -> None:
    pace, rate = CellRates(), Rate(Channel.SMS, RateScope.RECIPIENT, 1, 1.0)
    for number in range(MAX_KEYS + 10):
        pace.reserve(str(number), rate, 0)
    assert len(pace._next) == MAX_KEYS


@pytest.mark.usefixtures("clock")
async def test_what_is_over_a_limit_is_parked_until_its_turn_and_then_sent(clock: time_machine.Traveller) -> None:
    scene = WorkerScene(rates="email=1/10s")
    await scene.deliver(a.received(id="d-1"))
    for name in ("d-2", "d-3"):
        await scene.deliver(a.received(id=name))
    assert [each.id for each in scene.sender.received] == ["d-1"]
    rows = {row.hold.record.subject: row.hold for row in scene.holds.rows.values()}
    assert {name: hold.due - a.NOON for name, hold in rows.items()} == {"d-2": 10_000, "d-3": 20_000}
    clock.shift(10)
    back = rows["d-2"].record.delivery
    assert back is not None
    assert (back.turn_at, back.attempts) == (a.NOON + 10_000, 0)
    await scene.deliver(ReceivedDelivery(delivery=msgspec.structs.replace(back, pass_=1), record=a.record()))
    assert [each.id for each in scene.sender.received] == ["d-1", "d-2"], "it has its turn and takes no other"
    await scene.deliver(a.received(id="d-4"))
    assert max(row.due for row in scene.holds.rows.values()) == a.NOON + 30_000, "behind those before it"


@pytest.mark.usefixtures("clock")
async def test_the_reason_is_told_and_a_later_retry_waits_for_a_turn_of_its_own() -> None:
    scene = WorkerScene(rates="email=1/10s")
    await scene.deliver(a.received(id="d-1"))
    await scene.deliver(a.received(id="d-2"))
    result = scene.rows["d-2"].result
    assert result is not None
    assert (result.reason, result.attempts) == (Reason.RATE_LIMITED, 0)
    retried = msgspec.structs.replace(result, reason=Reason.TEMPORARY_FAILURE, turns=0)
    hold = derive_effects(TOPICS, a.received(id="d-2", turn_at=a.NOON), retried).hold
    assert hold is not None
    assert hold.record.delivery is not None
    assert hold.record.delivery.turn_at is None


@pytest.mark.usefixtures("clock")
async def test_a_short_wait_is_waited() -> None:
    scene = WorkerScene(rates=f"email=1/{MAX_WAIT_MS / 20_000}s")
    for number in range(3):
        await scene.deliver(a.received(id=f"d-{number}"))
    assert len(scene.sender.received) == 3
    assert not scene.holds.rows
