"""Expanding a chunk over twins: notifications of the stored versions, replays, dead letters, failures."""

from __future__ import annotations

import pytest
import time_machine

from shared.model.errors import MongoUnavailable
from shared.model.expansion import API_SOURCE
from shared.model.outputs import FormatFault
from shared.model.records import DETOUR
from tests.support import samples as a
from tests.unit.router.expand_stores import TOPICS, TYPE, ExpandStores, carry

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def stores() -> ExpandStores:
    return ExpandStores()


async def test_each_recipient_of_each_workflow_gets_one(stores: ExpandStores) -> None:
    stores.catalog.publish("default", a.workflow(key="order.audit", version=1, on=(TYPE,), recipients="data.auditors"))
    event = a.event_record(data=b'{"to":["ada","bob","ada"],"auditors":"eve"}')
    await carry(await stores.expander(), event, a.event_record("e-2", type="com.example.unknown"))
    assert sorted(stores.notified) == [("ada", 3), ("bob", 3), ("eve", 1)]
    assert len(stores.publisher.on(TOPICS.statuses)) == 2


async def test_a_replay_after_a_new_version_was_published_expands_as_before(stores: ExpandStores) -> None:
    event = a.event_record()
    await carry(await stores.expander(), event)
    first = list(stores.publisher.written)
    stores.publisher.written.clear()
    stores.catalog.publish("default", a.workflow(version=4, on=(TYPE,), recipients="data.to"))
    await carry(await stores.expander(), event, a.event_record("e-2", offset=6))
    assert stores.publisher.written[: len(first)] == first
    assert stores.notified == [("ada", 3), ("ada", 4)]


async def test_the_version_that_was_stored_is_fetched_where_it_is_not_known(stores: ExpandStores) -> None:
    event = a.event_record()
    await carry(await stores.expander(), event)
    expander = await stores.expander()
    stores.catalog.forget()
    await carry(expander, event)
    assert stores.notified == [("ada", 3)] * 2


async def test_the_same_event_at_another_place_is_a_duplicate(stores: ExpandStores) -> None:
    await carry(await stores.expander(), a.event_record(offset=5), a.event_record(offset=6))
    await carry(await stores.expander(), a.event_record(offset=7))
    assert stores.notified == [("ada", 3)]


async def test_what_is_no_event_is_a_dead_letter_and_its_neighbours_go_on(stores: ExpandStores) -> None:
    chunk = [
        a.event_record("e-1", offset=1),
        a.record(None, topic=TOPICS.events, offset=2),
        a.event_record("e-3", offset=3, data=b'{"to":[7.5]}'),
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
    stores: ExpandStores, clock: time_machine.Traveller, step: str, after_effect: bool
) -> None:
    """The end is the same; only what was in doubt is on the log twice."""
    event = a.event_record()
    undisturbed = ExpandStores()
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


async def test_nothing_goes_out_before_the_expansion_is_stored(stores: ExpandStores) -> None:
    expander = await stores.expander()
    stores.expansions.outages.add()
    with pytest.raises(MongoUnavailable):
        await expander.prepare([a.event_record()])
    assert not stores.publisher.written


async def test_what_is_no_record_at_all_is_a_dead_letter_and_its_neighbours_go_on(stores: ExpandStores) -> None:
    raw = a.record(b"raw batch", topic=TOPICS.events, offset=4, key=None, headers=[], fault=FormatFault.CORRUPT_BATCH)
    await carry(await stores.expander(), raw, a.event_record())
    assert stores.notified == [("ada", 3)]
    [letter] = stores.publisher.on(TOPICS.events_dlq)
    assert letter.value == b"raw batch"
    assert dict(letter.headers)["error_code"] == b"corrupt_batch"
    assert dict(letter.headers)["source_offset"] == b"4"


@pytest.mark.parametrize(("source", "headers"), [("/shop", []), (API_SOURCE, [(DETOUR, b"1")])])
async def test_an_event_in_the_name_of_the_api_says_that_it_came_on_a_detour(
    stores: ExpandStores, source: str, headers: list[tuple[str, bytes]]
) -> None:
    """Every other source says so by itself, and costs no header."""
    await carry(await stores.expander(), a.event_record(source=source))
    [output] = stores.publisher.on(TOPICS.notifications)
    assert list(output.headers) == headers


async def test_a_time_ahead_is_now(stores: ExpandStores) -> None:
    """Whose clock it was: what is accepted in the future would never be late, nor of an earlier life."""
    await carry(await stores.expander(), a.event_record()._replace(timestamp=a.NOON + 9_000))
    [found] = stores.notifications
    assert found.accepted_at == a.NOON


async def test_a_clock_that_counts_seconds_ends_nothing(stores: ExpandStores) -> None:
    """A topic that keeps its producers' times: the record has none that counts."""
    await carry(await stores.expander(), a.event_record()._replace(timestamp=-1))
    [found] = stores.notifications
    assert found.accepted_at == a.NOON
