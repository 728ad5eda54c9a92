"""Records, workflows and profiles of a newer version: neither suppressed nor dead letters, whoever stands beside them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.router.core.expansion import Expansion
from services.router.expand import Expander
from services.router.expansions import seen_again
from shared.deciding.facts import collapse_id
from shared.model import formats
from shared.model.formats import NewerFormat
from shared.model.outputs import Coordinates, KafkaRecord
from shared.model.records import encode, notify
from tests.support import samples as a
from tests.unit.router.expand_stores import SHIPPED, TYPE, ExpandStores
from tests.unit.router.scenes import TOPICS, DecideStores, carry, new


@pytest.fixture
def stores() -> DecideStores:
    return DecideStores()


def of_newer_format(offset: int, **more: Any) -> KafkaRecord:
    members = msgspec.json.decode(encode(notify(a.notification(id=f"n-{offset}"))))
    value = msgspec.json.encode(members | {"format": a.NEWER} | more)
    return a.record(value, topic=TOPICS.notifications, partition=1, offset=offset)


async def refused(stores: DecideStores, *chunk: KafkaRecord) -> NewerFormat:
    """What `prepare` raises; nothing was written."""
    with pytest.raises(NewerFormat) as raised:
        await carry(stores.decider(), *chunk)
    assert stores.publisher.written == []
    assert stores.holds.held == []
    return raised.value


@pytest.mark.parametrize(
    "more", [{}, {"kind": "digest_due"}, {"channel": "fax"}, {"notification": {"priority": "mild"}}]
)
async def test_a_newer_record_is_named_and_what_stands_before_it_is_decided(stores: DecideStores, more: Any) -> None:
    chunk = [new(5), of_newer_format(6, **more), new(7)]
    newer = await refused(stores, *chunk)
    assert (newer.number, newer.at) == (a.NEWER, Coordinates(TOPICS.notifications, 1, 6))
    await carry(stores.decider(), chunk[0])
    assert len(stores.decisions.rows) == 1
    assert stores.publisher.on(TOPICS.events_dlq) == []


async def test_what_asks_for_history_that_a_newer_version_wrote_waits(stores: DecideStores) -> None:
    about = a.notification(collapse_key="k")
    stores.history.newer.add(collapse_id(about, 0))
    newer = await refused(stores, new(5, collapse_key="other"), new(6, collapse_key="k"), new(7))
    assert (newer.number, newer.at) == (a.NEWER, Coordinates(TOPICS.notifications, 1, 6))


async def test_what_was_accepted_under_a_newer_workflow_waits(stores: DecideStores) -> None:
    stores.catalog.publish_newer("acme", "order.shipped", 4, {"on": []})
    newer = await refused(stores, new(5), new(6, version=4))
    assert (newer.what, newer.at) == ("workflow", Coordinates(TOPICS.notifications, 1, 6))
    await carry(stores.decider(), new(5))
    assert len(stores.decisions.rows) == 1


async def test_a_newer_profile_waits_until_it_is_readable_and_is_not_remembered(stores: DecideStores) -> None:
    stores.profiles.put(a.profile(format=a.NEWER))
    decider = stores.decider()
    with pytest.raises(NewerFormat) as raised:
        await carry(decider, new(5, user="bob"), new(6))
    assert (raised.value.what, raised.value.at) == ("profile", Coordinates(TOPICS.notifications, 1, 6))
    stores.profiles.put(a.profile())
    await carry(decider, new(5, user="bob"), new(6))
    assert len(stores.decisions.rows) == 2


@pytest.mark.usefixtures("clock")
async def test_a_version_that_reads_it_decides_it(stores: DecideStores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "FORMAT", a.NEWER)
    await carry(stores.decider(), new(5), of_newer_format(6, novelty="x"))
    assert len(stores.decisions.rows) == 2
    again = [output.value or b"" for output in stores.publisher.written if ".deliveries." in output.topic]
    assert [msgspec.json.decode(raw).get("format", 1) for raw in again] == [1] * 3 + [a.NEWER] * 3


async def expanded(expander: Expander, *chunk: KafkaRecord) -> None:
    await expander.finish(await expander.prepare(chunk))


@pytest.mark.parametrize("body", [{"on": [TYPE]}, {"on": [{"type": "*"}]}, "encoded otherwise"])
async def test_an_event_that_a_newer_workflow_may_match_waits(body: Any) -> None:
    stores = ExpandStores()
    stores.catalog.publish_newer("default", "order.novel", 1, body)
    expander = await stores.expander()
    event = a.event_record()
    with pytest.raises(NewerFormat) as raised:
        await expanded(expander, event)
    assert raised.value.at == event.coordinates
    assert stores.publisher.written == []


async def test_an_event_that_it_cannot_match_goes_on() -> None:
    stores = ExpandStores()
    stores.catalog.publish_newer("default", "order.novel", 1, {"on": ["com.example.other"]})
    stores.catalog.publish_newer("acme", "order.novel", 1, {"on": [TYPE]})
    expander = await stores.expander()
    await expanded(expander, a.event_record())
    assert len(stores.publisher.on(TOPICS.notifications)) == 1


async def test_published_again_in_a_readable_format_it_starts_events_again() -> None:
    """After a roll-back, say."""
    stores = ExpandStores()
    stores.catalog.publish_newer("default", SHIPPED.key, SHIPPED.version + 1, {"on": [TYPE]})
    with pytest.raises(NewerFormat):
        await expanded(await stores.expander(), a.event_record())
    stores.catalog.publish("default", msgspec.structs.replace(SHIPPED, version=SHIPPED.version + 2))
    await expanded(await stores.expander(), a.event_record())
    assert len(stores.publisher.on(TOPICS.notifications)) == 1


async def test_a_newer_expansion_is_carried_on_by_a_newer_version() -> None:
    stores = ExpandStores()
    expander = await stores.expander()
    await expander.prepare([a.event_record()])
    (found,) = stores.expansions.rows.values()
    row: Any = {
        "_id": found.id,
        "topic": found.received.record.topic,
        "partition": found.received.record.partition,
        "offset": found.received.record.offset,
        "generation": 0,
        "state": "expanded",
        "format": a.NEWER,
    }
    with pytest.raises(NewerFormat) as raised:
        seen_again(found, row)
    assert raised.value.at == found.received.record.coordinates
    elsewhere: Expansion = msgspec.structs.replace(
        found, received=msgspec.structs.replace(found.received, record=a.event_record(offset=99))
    )
    assert seen_again(elsewhere, row) is None, "a duplicate, whatever the format"
