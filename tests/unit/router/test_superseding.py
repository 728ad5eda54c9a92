"""One that names an earlier event takes the place of what waits of it: through a twin of everything, step by step."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import time_machine

from services.router.core.parts import expand_parts
from services.router.core.received_event import ReceivedEvent
from shared.model import ids
from shared.model.channels import Channel
from shared.model.records import Kind, Record, notify
from shared.model.steps import ChannelStep, DelayStep, DigestStep
from tests.support import samples as a
from tests.unit.router.runs import Runs
from tests.unit.router.test_part_conditions import received
from tests.unit.router.test_part_conditions import workflow as event_workflow
from tests.unit.router.test_runs import HOUR, SHOW, workflow

pytestmark = pytest.mark.usefixtures("clock")
MAIL = ChannelStep(key="mail", channels=(Channel.EMAIL,))
WAIT = DelayStep(key="wait", seconds=3600)


def earlier(event: str = "e-1", **more: Any) -> dict[str, Any]:
    user = more.get("user", "ada")
    return {"event_id": event, "id": ids.notification_id(event, "order.shipped", user)} | more


async def accept(runs: Runs, **about: Any) -> None:
    await runs.send_records(notify(a.notification(**about)))


async def begin(clock: time_machine.Traveller, *steps: Any, **more: Any) -> Runs:
    runs = Runs(clock, workflow(*(steps or (SHOW, WAIT, MAIL))))
    await accept(runs, **earlier(**more))
    return runs


async def test_what_waits_ends_at_once_as_superseded(clock: time_machine.Traveller) -> None:
    runs = await begin(clock)
    await accept(runs, id="n-2", supersedes="e-1")
    await runs.release(a.NOON + 1)
    assert runs.statuses(earlier()["id"]) == ["routed", "superseded"]
    await runs.release(a.NOON + 2 * HOUR)
    assert sorted(one.channel for one in runs.sent.values()) == [Channel.EMAIL, Channel.IN_APP, Channel.IN_APP]
    assert runs.statuses("n-2") == ["routed", "routed"]


async def test_what_comes_back_later_on_its_own_ends_too(clock: time_machine.Traveller) -> None:
    """A retry that was made after the newer one was decided: nothing was there to bring forward."""
    runs = await begin(clock, MAIL)
    (delivery,) = runs.sent.values()
    await accept(runs, id="n-2", supersedes="e-1")
    retry = Record(
        kind=Kind.RETRY, tenant="acme", user="ada", subject=delivery.id, pass_=1, due=a.NOON, delivery=delivery
    )
    await runs.send_records(retry)
    assert len(runs.deliveries) == 2, "the retry is none of them"
    assert runs.statuses(earlier()["id"])[-1] == "superseded"


async def test_both_in_one_chunk(clock: time_machine.Traveller) -> None:
    runs = await begin(clock)
    (held,) = runs.stores.holds.held
    newer = a.notification(id="n-2", supersedes="e-1")
    await runs.send_records(notify(newer), held.record)
    assert runs.statuses(earlier()["id"]) == ["routed", "superseded"]


@pytest.mark.parametrize("other", [{"user": "bob"}, {"test": True}, {"supersedes": "e-9"}], ids=str)
async def test_nobody_elses_ends_or_is_hurried(clock: time_machine.Traveller, other: dict[str, Any]) -> None:
    runs = await begin(clock)
    await accept(runs, **{"id": "n-2", "supersedes": "e-1"} | other)
    await runs.release(a.NOON + 1)
    assert runs.statuses(earlier()["id"]) == ["routed"]
    await runs.release(a.NOON + HOUR)
    assert runs.statuses(earlier()["id"]) == ["routed", "routed"]


async def test_a_chain_leaves_the_last(clock: time_machine.Traveller) -> None:
    runs = await begin(clock, WAIT, MAIL)
    await accept(runs, **earlier("e-2"), supersedes="e-1")
    await accept(runs, **earlier("e-3"), supersedes="e-2")
    for at in (1, HOUR, 2 * HOUR):
        await runs.release(a.NOON + at)
    assert [one.notification.event_id for one in runs.sent.values()] == ["e-3"]


async def test_what_a_digest_has_gathered_stays_in_it(clock: time_machine.Traveller) -> None:
    runs = await begin(clock, DigestStep(key="gather", seconds=3600), SHOW)
    await accept(runs, id="n-2", supersedes="e-1")
    while await runs.release(a.NOON + HOUR):
        pass
    (delivery,) = runs.sent.values()
    assert delivery.digest is not None
    assert delivery.digest.count == 2


async def test_a_crash_repeats_it(clock: time_machine.Traveller) -> None:
    runs = await begin(clock)
    await accept(runs, id="n-2", supersedes="e-1")
    await runs.release(a.NOON + 1)
    before = [*runs.stores.publisher.written]
    await runs.crash_and_replay(2)
    assert {output.value for output in runs.stores.publisher.written} == {output.value for output in before}


async def test_one_that_a_stop_held_takes_its_place_when_it_goes_on(clock: time_machine.Traveller) -> None:
    """It comes back as something else than new."""
    runs = await begin(clock)
    newer = a.notification(id="n-2", supersedes="e-1")
    back = Record(kind=Kind.RELEASE, tenant="acme", user="ada", subject="n-2", pass_=1, notification=newer, format=2)
    await runs.send_records(back)
    await runs.release(a.NOON + 1)
    assert runs.statuses(earlier()["id"]) == ["routed", "superseded"]


def test_an_event_may_name_an_earlier_one_of_its_source() -> None:
    def named(**attributes: str) -> str | None:
        event = msgspec.structs.replace(found := received({"to": "a"}, **attributes), id=_id(found))
        (made,) = expand_parts(event, [event_workflow()])
        return made.notifications[0].supersedes

    def _id(found: ReceivedEvent) -> str:
        return ids.event_id(found.tenant, found.event.source, found.event.id, test=found.event.is_test)

    earlier = received({"to": "a"}, id="e-1")
    assert named(id="e-2", carillonsupersedes="e-1") == _id(earlier)
    assert named(id="e-2", source="/other", carillonsupersedes="e-1") not in {_id(earlier), None}
    assert named(id="e-2", carillontest="true", carillonsupersedes="e-1") not in {_id(earlier), None}
    assert named(id="e-1", carillonsupersedes="e-1") is None, "itself"
    assert named(id="e-2") is None
