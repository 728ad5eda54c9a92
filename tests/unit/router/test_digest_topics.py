"""Items of a digest that came by topics: each goes by its own subscription, as it is when it is decided."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import time_machine

from services.router.decisions import decision_row
from shared.deciding.digest_content import MAX_SHOWN_BYTES
from shared.deciding.sentences import item_sentence
from shared.deciding.sentences import shown as as_shown
from shared.model.channels import Channel
from shared.model.profiles import Preferences
from shared.model.records import Kind, Record
from shared.model.steps import ChannelChoice, ChannelStep, DigestStep, Step
from tests.support import samples as a
from tests.unit.router.runs import Runs
from tests.unit.router.scenes import at, carry, new
from tests.unit.router.test_runs import HOUR, about, items_of, workflow

pytestmark = pytest.mark.usefixtures("clock")
GATHER = DigestStep(key="gather", seconds=3600)
BOTH = ChannelStep(key="both", channels=(Channel.IN_APP, Channel.EMAIL))
MAIL = ChannelStep(key="mail", channels=(Channel.EMAIL,))
NO_MAIL: dict[str, Any] = {"channel_types": {"email": False}}
NO_SHOW: dict[str, Any] = {"channel_types": {"in_app": False}}
NO_ORDERS: dict[str, Any] = {"categories": {"orders": False}}


async def wants(runs: Runs, topic: str, user: str = "ada", **preferences: Any) -> None:
    await runs.stores.subscriptions.put("acme", topic, {user: 0}, Preferences(**preferences))


async def leaves(runs: Runs, topic: str) -> None:
    await runs.stores.subscriptions.remove("acme", topic, ["ada"])


async def gathered(clock: time_machine.Traveller, *topics: str | None, last: Step = BOTH, **more: Any) -> Runs:
    """A digest of one item by each topic; None: it came by none."""
    runs = Runs(clock, workflow(GATHER, last, **more))
    for number, topic in enumerate(topics):
        if topic is not None:
            await wants(runs, topic)
        await runs.send(number, **about(number), topic=topic)
    return runs


def shown(runs: Runs) -> dict[str, list[int]]:
    """By channel, what it shows; the last word of each delivery."""
    return {delivery.channel: items_of(delivery.digest) for delivery in runs.deliveries}


async def closed(runs: Runs) -> dict[str, list[int]]:
    while await runs.release(a.NOON + HOUR):
        pass
    return shown(runs)


def decided(runs: Runs) -> list[dict[str, Any]]:
    """The items of the last decision."""
    return decision_row(list(runs.stores.decisions.rows.values())[-1])["items"]


async def test_the_holder_is_left_out_where_it_is_not_wanted_and_takes_no_channel_from_the_others(
    clock: time_machine.Traveller,
) -> None:
    runs = await gathered(clock, "A", "B", None)
    await wants(runs, "A", **NO_MAIL)
    assert await closed(runs) == {"in_app": [0, 1, 2], "email": [1, 2]}
    (mail,) = [item for item in decided(runs) if item.get("channel") == "email"]
    assert list(mail["without"]) == ["n-0"], "what is kept says what was left out"
    said = item_sentence(as_shown(mail)).text
    assert said == "It goes by email, without 1 of its items, whose topics are not wanted there."


async def test_another_one_is_left_out_by_its_own_subscription(clock: time_machine.Traveller) -> None:
    runs = await gathered(clock, None, "A", "B")
    await wants(runs, "A", **NO_MAIL)
    await wants(runs, "B", **NO_SHOW)
    assert await closed(runs) == {"in_app": [0, 1], "email": [0, 2]}


async def test_a_channel_that_none_is_wanted_on_gets_nothing(clock: time_machine.Traveller) -> None:
    runs = await gathered(clock, "A", "B")
    for topic in "AB":
        await wants(runs, topic, **NO_MAIL)
    assert await closed(runs) == {"in_app": [0, 1]}
    (mail,) = [item for item in decided(runs) if item.get("channel") == "email"]
    assert (mail["reason"], mail["rule"]) == ("channel_opted_out", "channel_preference")


@pytest.mark.parametrize("taken_out", ["left", "refused"])
async def test_what_the_holder_wants_nothing_of_ends_none_of_the_others(
    clock: time_machine.Traveller, taken_out: str
) -> None:
    runs = await gathered(clock, "A", "B", None)
    await (leaves(runs, "A") if taken_out == "left" else wants(runs, "A", **NO_ORDERS))
    assert await closed(runs) == {"in_app": [1, 2], "email": [1, 2]}


@pytest.mark.parametrize(
    ("taken_out", "reason"),
    [("left", "unsubscribed"), ("refused", "category_opted_out"), ("cancelled", "cancelled")],
)
async def test_where_nothing_is_left_it_ends_with_the_holders_own_reason(
    clock: time_machine.Traveller, taken_out: str, reason: str
) -> None:
    runs = Runs(clock, workflow(GATHER, BOTH))
    for number, topic in enumerate("AB"):
        await wants(runs, topic)
        key = {"cancellation_key": "k"} if taken_out == "cancelled" and not number else {}
        await runs.send(number, **about(number), topic=topic, **key)
    await leaves(runs, "B")
    if taken_out == "left":
        await leaves(runs, "A")
    elif taken_out == "refused":
        await wants(runs, "A", **NO_ORDERS)
    else:
        runs.stores.history.cancel_counts["k"] = await runs.stores.cancellations.cancel("acme", "k")
    assert await closed(runs) == {}
    found = decided(runs)
    assert [(item.get("reason"), item.get("change")) for item in found] == [(reason, None), (None, "close")]
    assert found[1].get("items", 0) == 0
    assert runs.statuses("n-0") == ["held", "cancelled" if reason == "cancelled" else "suppressed"]


async def test_what_is_critical_goes_to_whoever_left_as_well(clock: time_machine.Traveller) -> None:
    runs = await gathered(clock, "A", "B", critical=True)
    await leaves(runs, "A")
    await wants(runs, "B", **NO_MAIL)
    assert await closed(runs) == {"in_app": [0, 1], "email": [0, 1]}


async def test_a_subscription_of_somebody_else_who_had_the_id_is_none(clock: time_machine.Traveller) -> None:
    runs = await gathered(clock, None, "A")
    await runs.stores.subscriptions.put("acme", "A", {"ada": 7})
    assert await closed(runs) == {"in_app": [0], "email": [0]}


async def test_what_joins_in_the_chunk_that_closes_goes_by_its_own_too(clock: time_machine.Traveller) -> None:
    runs = await gathered(clock, "A")
    await wants(runs, "B", **NO_MAIL)
    clock.move_to((a.NOON + HOUR) / 1000)
    (hold,) = runs.stores.holds.rows.values()
    runs.stores.holds.rows.clear()
    await carry(runs.decider, new(201, id="n-1", **about(1), topic="B"), at(202, hold.hold.record))
    assert shown(runs) == {"in_app": [0, 1], "email": [0]}


async def test_read_again_it_says_what_it_said_whatever_is_wanted_by_then(clock: time_machine.Traveller) -> None:
    runs = await gathered(clock, "A", "B", "C")
    await wants(runs, "A", **NO_MAIL)
    await leaves(runs, "C")
    await runs.release(a.NOON + HOUR)
    await wants(runs, "A")
    await wants(runs, "B", **NO_MAIL)
    await leaves(runs, "B")
    await runs.crash_and_replay(1)
    assert len(runs.deliveries) == 4
    assert runs.deliveries[:2] == runs.deliveries[2:]
    assert shown(runs) == {"in_app": [0, 1], "email": [1]}


async def test_what_waits_for_quiet_hours_goes_by_what_is_wanted_then(clock: time_machine.Traveller) -> None:
    runs = Runs(clock, workflow(GATHER, MAIL))
    clock.move_to((a.NIGHT - HOUR) / 1000)
    for number, topic in enumerate("AB"):
        await wants(runs, topic, "eve")
        await runs.send(number, **about(number), topic=topic, user="eve")
    await runs.release(a.NIGHT)
    await wants(runs, "A", "eve", **NO_MAIL)
    await runs.release(a.MORNING)
    assert shown(runs) == {"email": [1]}


async def test_so_does_what_waits_for_its_next_try(clock: time_machine.Traveller) -> None:
    runs = await gathered(clock, "A", "B", last=MAIL)
    assert await closed(runs) == {"email": [0, 1]}
    (mail,) = runs.deliveries
    await wants(runs, "A", **NO_MAIL)
    await runs.send_records(
        Record(kind=Kind.RETRY, tenant="acme", user="ada", subject=mail.id, pass_=1, delivery=mail, format=2)
    )
    assert shown(runs) == {"email": [1]}
    await wants(runs, "B", **NO_MAIL)
    await runs.send_records(
        Record(kind=Kind.RETRY, tenant="acme", user="ada", subject=mail.id, pass_=2, delivery=mail, format=2)
    )
    assert len(runs.deliveries) == 2
    assert [(item["reason"], item["channel"]) for item in decided(runs)] == [("channel_opted_out", "email")]


async def test_a_fallback_has_what_is_wanted_on_its_own_channel(clock: time_machine.Traveller) -> None:
    first = ChannelStep(key="first", channels=(Channel.WEBHOOK, Channel.EMAIL), deliver=ChannelChoice.FIRST)
    runs = await gathered(clock, "A", "B", None, last=first)
    await wants(runs, "A", channel_types={"webhook": False})
    await wants(runs, "B", **NO_MAIL)
    assert await closed(runs) == {"webhook": [1, 2]}
    (hook,) = runs.deliveries
    failed = Record(kind=Kind.FAILED, tenant="acme", user="ada", subject="failed-1", delivery=hook, format=2)
    await runs.send_records(failed)
    assert shown(runs) == {"webhook": [1, 2], "email": [0, 2]}


async def test_the_first_that_works_is_one_that_something_is_wanted_on(clock: time_machine.Traveller) -> None:
    first = ChannelStep(key="first", channels=(Channel.EMAIL, Channel.IN_APP), deliver=ChannelChoice.FIRST)
    runs = await gathered(clock, "A", "B", last=first)
    for topic in "AB":
        await wants(runs, topic, **NO_MAIL)
    assert await closed(runs) == {"in_app": [0, 1]}


@pytest.mark.parametrize("together", [True, False])
async def test_what_is_not_wanted_takes_no_room_from_what_is(clock: time_machine.Traveller, *, together: bool) -> None:
    large = msgspec.Raw(b'{"n":1,"x":"%b"}' % (b"x" * MAX_SHOWN_BYTES))
    runs = Runs(clock, workflow(GATHER, BOTH))
    await wants(runs, "A", **NO_MAIL)
    await runs.send(0, **about(0))
    if together:
        clock.move_to((a.NOON + HOUR) / 1000)
        (hold,) = runs.stores.holds.rows.values()
        others = new(201, id="n-1", data=large, topic="A"), new(202, id="n-2", **about(2))
        await carry(runs.decider, *others, at(203, hold.hold.record))
    else:
        await runs.send(1, data=large, topic="A")
        await runs.send(2, **about(2))
        await runs.release(a.NOON + HOUR)
    found = {one.channel: one.digest for one in runs.deliveries if one.digest is not None}
    assert {channel: (digest.count, len(digest.items)) for channel, digest in found.items()} == {
        "in_app": (3, 1),
        "email": (2, 2),
    }
