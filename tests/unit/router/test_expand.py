"""Expanding a chunk over twins: notifications of the stored versions, replays, dead letters, failures."""

from __future__ import annotations

import pytest
import time_machine

from services.router.expand import Expander
from shared.model.errors import MongoUnavailable
from shared.model.outputs import FormatFault, KafkaRecord
from shared.model.records import decode_record
from shared.model.topics import Topics
from shared.process.retries import retry_until_available
from tests.support import samples as a
from tests.support.twins.catalog import MemoryCatalog
from tests.support.twins.expansions import MemoryExpansions
from tests.support.twins.publisher import MemoryPublisher

pytestmark = pytest.mark.usefixtures("clock")
TOPICS = Topics()
TYPE = "com.example.order.shipped"
SHIPPED = a.workflow(on=(TYPE,), recipients="data.to")


class Stores:
    """What outlives a process."""

    def __init__(self) -> None:
        self.catalog = MemoryCatalog()
        self.catalog.publish("acme", SHIPPED)
        self.expansions = MemoryExpansions()
        self.publisher = MemoryPublisher()

    async def expander(self) -> Expander:
        """A process that has just started."""
        await self.catalog.load()
        return Expander(expansions=self.expansions, publisher=self.publisher, catalog=self.catalog, topics=TOPICS)

    @property
    def notified(self) -> list[tuple[str, int]]:
        """User and workflow version of each notification, in order."""
        found = [decode_record(output.value).notification for output in self.publisher.on(TOPICS.notifications)]
        return [(each.user, each.version) for each in found if each]


@pytest.fixture
def stores() -> Stores:
    return Stores()


async def carry(expander: Expander, *chunk: KafkaRecord) -> None:
    """As the agent does."""
    prepared = await retry_until_available(expander.prepare, chunk)
    await retry_until_available(expander.finish, prepared)


async def test_each_recipient_of_each_workflow_gets_one(stores: Stores) -> None:
    stores.catalog.publish("acme", a.workflow(key="order.audit", version=1, on=(TYPE,), recipients="data.auditors"))
    event = a.event_record(data=b'{"to":["ada","bob","ada"],"auditors":"eve"}')
    await carry(await stores.expander(), event, a.event_record("e-2", type="com.example.unknown"))
    assert sorted(stores.notified) == [("ada", 3), ("bob", 3), ("eve", 1)]
    assert len(stores.publisher.on(TOPICS.statuses)) == 2


async def test_a_replay_after_a_new_version_was_published_expands_as_before(stores: Stores) -> None:
    event = a.event_record()
    await carry(await stores.expander(), event)
    first = list(stores.publisher.written)
    stores.publisher.written.clear()
    stores.catalog.publish("acme", a.workflow(version=4, on=(TYPE,), recipients="data.to"))
    await carry(await stores.expander(), event, a.event_record("e-2", offset=6))
    assert stores.publisher.written[: len(first)] == first
    assert stores.notified == [("ada", 3), ("ada", 4)]


async def test_the_version_that_was_stored_is_fetched_where_it_is_not_known(stores: Stores) -> None:
    event = a.event_record()
    await carry(await stores.expander(), event)
    expander = await stores.expander()
    stores.catalog.forget()
    await carry(expander, event)
    assert stores.notified == [("ada", 3)] * 2


async def test_the_same_event_at_another_place_is_a_duplicate(stores: Stores) -> None:
    await carry(await stores.expander(), a.event_record(offset=5), a.event_record(offset=6))
    await carry(await stores.expander(), a.event_record(offset=7))
    assert stores.notified == [("ada", 3)]


async def test_what_is_no_event_is_a_dead_letter_and_its_neighbours_go_on(stores: Stores) -> None:
    chunk = [
        a.event_record("e-1", offset=1),
        a.record(None, topic=TOPICS.events, offset=2),
        a.event_record("e-3", offset=3, data=b'{"to":[7]}'),
        a.event_record("e-4", offset=4, data=b'{"to":["bob"]}'),
    ]
    await carry(await stores.expander(), *chunk)
    assert stores.notified == [("ada", 3), ("bob", 3)]
    letters = [dict(letter.headers) for letter in stores.publisher.on(TOPICS.events_dlq)]
    assert {(letter["source_offset"], letter["error_code"]) for letter in letters} == {
        (b"2", b"null_value"),
        (b"3", b"invalid_recipient"),
    }
    assert stores.publisher.on(TOPICS.events_dlq)[1].value == chunk[2].value


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", ["expansions", "catalog", "publisher"])
async def test_a_failure_at_any_step_is_waited_out(
    stores: Stores, clock: time_machine.Traveller, step: str, after_effect: bool
) -> None:
    """The end is the same; only what was in doubt is on the log twice."""
    event = a.event_record()
    undisturbed = Stores()
    await carry(await undisturbed.expander(), event)
    expander = await stores.expander()
    if step == "catalog":  # a replay, in a process that does not know the stored version
        await carry(expander, event)
        stores.publisher.written.clear()
        stores.catalog.forget()
    outages = getattr(stores, step).outages
    outages.add(after_effect=after_effect)
    clock.shift(1)
    await carry(expander, event)
    assert outages.met, "the step was passed"
    times = 2 if step == "publisher" and after_effect else 1
    assert stores.publisher.written == undisturbed.publisher.written * times
    assert stores.notified == [("ada", 3)] * times


async def test_nothing_goes_out_before_the_expansion_is_stored(stores: Stores) -> None:
    expander = await stores.expander()
    stores.expansions.outages.add()
    with pytest.raises(MongoUnavailable):
        await expander.prepare([a.event_record()])
    assert not stores.publisher.written


async def test_what_is_no_record_at_all_is_a_dead_letter_and_its_neighbours_go_on(stores: Stores) -> None:
    raw = a.record(b"raw batch", topic=TOPICS.events, offset=4, key=None, headers=[], fault=FormatFault.CORRUPT_BATCH)
    await carry(await stores.expander(), raw, a.event_record())
    assert stores.notified == [("ada", 3)]
    [letter] = stores.publisher.on(TOPICS.events_dlq)
    assert letter.value == b"raw batch"
    assert dict(letter.headers)["error_code"] == b"corrupt_batch"
    assert dict(letter.headers)["source_offset"] == b"4"


async def test_a_clock_that_counts_seconds_ends_nothing(stores: Stores) -> None:
    """A topic that keeps its producers' times: the record has none that counts."""
    await carry(await stores.expander(), a.event_record()._replace(timestamp=-1))
    [output] = stores.publisher.on(TOPICS.notifications)
    found = decode_record(output.value).notification
    assert found is not None
    assert found.accepted_at == a.NOON
