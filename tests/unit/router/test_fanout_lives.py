"""A list is about those who had their ids when it was written, however late its page is read; a topic about its members."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest
import time_machine

from services.router.fanout import FanoutWork
from shared.model.expansion import API_SOURCE
from shared.model.fanouts import FanoutPage, StartedFanout, page_output
from shared.model.lives import CLOCKS_APART_MS, Life
from shared.model.outputs import KafkaRecord
from shared.model.reasons import Reason
from shared.model.recipients import Recipient
from shared.model.schedules import Schedule, fanout_of
from tests.support import samples as a
from tests.support.fanouts import TOPIC, of_list, of_topic
from tests.support.twins.fanouts import MemoryFanouts, MemoryMembers, MemorySubscriptions
from tests.support.twins.publisher import MemoryPublisher
from tests.unit.router.expand_stores import ExpandStores
from tests.unit.router.expand_stores import carry as expand
from tests.unit.router.scenes import TOPICS, DecideStores
from tests.unit.router.scenes import carry as decide

pytestmark = pytest.mark.usefixtures("clock")
NAMED_AT = a.NOON - 30 * a.DAY
MANY = [f"u-{number}" for number in range(101)]
LIVES = [(a.NOON - a.DAY, Reason.USER_DELETED), (NAMED_AT - a.DAY, None)]
"""Since when somebody has an id that another one had, and what is decided for them of a list of NAMED_AT."""


class Room:
    """As much as there is."""

    async def turn(self) -> None: ...

    async def room(self) -> int:
        return 1000


async def decided(started: StartedFanout, since: int, members: MemorySubscriptions | None = None) -> Reason | None:
    """What is decided for `ada`, whose life began at `since`, when the first page has been read."""
    fanouts, publisher, tenant = MemoryFanouts(), MemoryPublisher(), started.tenant
    members = members or MemorySubscriptions()
    await fanouts.insert([started])
    work = FanoutWork(
        fanouts=fanouts, members=MemoryMembers(members), publisher=publisher, topics=TOPICS, pace=Room()
    )  # fmt: skip
    first = page_output(TOPICS, FanoutPage(fanout=started.id))
    await work.finish(await work.prepare([a.record(first.value, topic=TOPICS.fanouts, headers=[])]))
    stores = DecideStores()
    stores.subscriptions = members
    stores.catalog.publish(tenant, a.workflow())
    stores.profiles.put(a.profile(tenant=tenant, life=Life(number=1, since=since)))
    (found,) = (each for each in publisher.on(TOPICS.notifications) if each.key == f"{tenant}:ada".encode())
    record = a.record(found.value, topic=TOPICS.notifications, partition=1, offset=0, headers=list(found.headers))
    await decide(stores.decider(), record)
    (decision,) = stores.decisions.rows.values()
    return decision.items[0].reason


@pytest.mark.parametrize(("since", "reason"), LIVES)
async def test_a_schedule_names_those_of_when_it_was_written(since: int, reason: Reason | None) -> None:
    schedule = Schedule(
        id="daily", tenant="acme", workflow="order.shipped", data=msgspec.Raw(b"{}"), cron="0 9 * * *", zone="UTC",
        recipients=tuple([Recipient(id=user) for user in [*MANY, "ada"]]), created_at=NAMED_AT,
    )  # fmt: skip
    assert await decided(fanout_of(schedule, a.workflow(), a.NOON, a.NOON), since) is reason


@pytest.mark.parametrize("source", ["/shop", API_SOURCE, None])
@pytest.mark.parametrize(
    ("late", "reason"),
    [(-1, Reason.USER_DELETED), (CLOCKS_APART_MS, Reason.USER_DELETED), (CLOCKS_APART_MS + 1, None)],
)
async def test_what_is_sent_to_a_list_names_those_of_when_it_was_accepted(
    source: str | None, late: int, reason: Reason | None
) -> None:
    """Its pages do not come straight: clocks that differ give nothing away."""
    assert await decided(of_list(["ada"], source=source), a.NOON - late) is reason


@pytest.mark.parametrize("since", [a.NOON - 1000, a.NOON + 1000])
async def test_a_topic_means_who_is_subscribed_now(since: int) -> None:
    members = MemorySubscriptions()
    await members.put("acme", TOPIC, {"ada": 1})
    assert await decided(of_topic(source=API_SOURCE), since, members) is None


@pytest.mark.parametrize(("since", "reason"), LIVES)
@pytest.mark.parametrize("how", ["redriven", "by its producer"])
async def test_an_event_that_is_sent_again_names_those_of_the_first_time(
    clock: time_machine.Traveller, how: str, since: int, reason: Reason | None
) -> None:
    stores = ExpandStores()
    clock.move_to(NAMED_AT / 1000)
    await expand(await stores.expander(), event(1, NAMED_AT, [7.5]))
    assert not stores.fanouts.started
    clock.move_to(a.NOON / 1000)
    again = event(2, a.NOON, [*MANY, "ada"])
    if how == "redriven":
        again = again._replace(headers=[*again.headers, ("carillon_generation", b"1")])
    for _ in range(2):  # a replay goes by what is stored
        await expand(await stores.expander(), again)
        (started,) = stores.fanouts.started.values()
        stores.fanouts.started.clear()
        assert started.template.accepted_at == a.NOON, "it does not expire at once"
        assert await decided(started, since) is reason


def event(offset: int, at_ms: int, to: list[Any]) -> KafkaRecord:
    return a.event_record("e-1", offset=offset, data=orjson.dumps({"to": to}))._replace(timestamp=at_ms)
