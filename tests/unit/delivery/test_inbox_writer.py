"""The in_app channel over twins: rows and announcements, replays, what ends otherwise, failures at every step."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
import time_machine

from services.delivery.channels.in_app.writer import InboxWriter
from services.delivery.channels.rows import BulkReader
from services.delivery.tenants import TenantTexts
from shared.model import inbox
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.inbox import Change, InboxItem
from shared.model.outputs import KafkaRecord
from shared.model.records import encode, profile_changed
from shared.model.statuses import Subject
from shared.model.templates import InAppTemplate
from shared.model.topics import Topics
from shared.process.newer import NewerRecords
from tests.support import samples as a
from tests.support.twins.cancellations import MemoryCancellations
from tests.support.twins.catalog import MemoryCatalog
from tests.support.twins.consumer import MemoryConsumer
from tests.support.twins.inbox_rows import MemoryInboxRows
from tests.support.twins.publisher import MemoryPublisher
from tests.support.twins.tenants import MemoryTenants
from tests.support.wait import turns, turns_until

pytestmark = pytest.mark.usefixtures("clock")
TOPICS = Topics()
TOPIC = TOPICS.deliveries(Channel.IN_APP)
DLQ = TOPICS.deliveries_dlq(Channel.IN_APP)
SOON = 5


class Scene:
    """A writer and its stores."""

    def __init__(self) -> None:
        self.rows = MemoryInboxRows()
        self.publisher = MemoryPublisher()
        self.catalog = MemoryCatalog()
        self.catalog.publish("acme", a.workflow())
        self.newer = NewerRecords()
        self.cancellations = MemoryCancellations()
        self.writer = InboxWriter(
            cancellations=self.cancellations,
            tenants=TenantTexts(MemoryTenants().read_many),
            rows=self.rows,
            publisher=self.publisher,
            catalog=self.catalog,
            topics=TOPICS,
        )
        self.reader = BulkReader(self.writer.write, self.newer, linger_seconds=0)

    @property
    def announced(self) -> list[InboxItem]:
        """The items on the inbox topic, in order."""
        events = [inbox.decode(output.value or b"") for output in self.publisher.on(TOPICS.inbox)]
        assert {event.change for event in events} <= {Change.CREATED}
        return [item for event in events for item in event.items]

    @property
    def states(self) -> list[str]:
        """The statuses' states, in order."""
        types = [dict(output.headers)["ce_type"].decode() for output in self.publisher.on(TOPICS.statuses)]
        return [found.removeprefix("carillon.delivery.") for found in types]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def at(offset: int, *, id_: str | None = None, **about: Any) -> KafkaRecord:
    """A delivery to ada's inbox, of a notification of its own."""
    notification = a.notification(**{"id": f"n-{offset}"} | about)
    delivery = a.delivery(id=id_ or f"d-{offset}", channel=Channel.IN_APP, address="ada", notification=notification)
    return a.record(encode(delivery), topic=TOPIC, partition=1, offset=offset)


async def test_a_row_and_its_announcement_carry_the_records_offset(scene: Scene) -> None:
    await scene.writer.write([at(7), at(8)])
    assert [item.offset for item in scene.announced] == [7, 8]
    assert [scene.rows.rows[name].item for name in ("d-7", "d-8")] == scene.announced
    first = scene.announced[0]
    assert (first.id, first.title, first.created_at) == ("n-7", "Order A7", a.NOON)
    assert {output.key for output in scene.publisher.written} == {b"acme:ada"}
    assert scene.states == ["sent", "sent"]


async def test_a_replay_is_announced_again_as_it_was(scene: Scene, clock: time_machine.Traveller) -> None:
    await scene.writer.write([at(7)])
    first = list(scene.publisher.written)
    await scene.rows.mark_read("d-7", a.NOON + 1)
    clock.shift(60)
    await scene.writer.write([at(9, id_="d-7", id="n-7"), at(10)])
    assert scene.publisher.written[: 2 * len(first)] == first * 2
    assert [item.offset for item in scene.announced] == [7, 7, 10]
    assert scene.rows.rows["d-7"].item.read_at == a.NOON + 1


async def test_where_receipts_are_asked_for_row_and_announcement_say_it(scene: Scene) -> None:
    scene.catalog.publish("acme", a.workflow(version=4, receipts=True))
    await scene.writer.write([at(7, version=4), at(8)])
    await scene.writer.write([at(9, id_="d-7", id="n-7", version=4)])
    assert [row.receipt for row in scene.rows.rows.values()] == [Subject("d-7", 0, 0), None]
    events = [inbox.read(output.value or b"") for output in scene.publisher.on(TOPICS.inbox)]
    assert [event.receipt for event in events] == ["d-7", None, "d-7"]


async def test_what_came_too_late_has_no_row(scene: Scene) -> None:
    await scene.writer.write([at(7, expires_at=a.NOON), at(8, expires_at=a.NOON + 1)])
    assert list(scene.rows.rows) == ["d-8"]
    assert [item.offset for item in scene.announced] == [8]
    assert sorted(scene.states) == ["expired", "sent"]


async def test_what_was_written_in_time_has_not_expired(scene: Scene, clock: time_machine.Traveller) -> None:
    await scene.writer.write([at(7)])
    first = list(scene.publisher.written)
    clock.shift(2 * a.DAY / 1000)
    await scene.writer.write([at(7), at(8)])
    assert sorted(scene.states) == ["expired", "sent", "sent"]
    assert [output for output in scene.publisher.written if output == first[0]] == [first[0]] * 2
    assert list(scene.rows.rows) == ["d-7"]


@pytest.mark.parametrize(
    ("about", "code"),
    [
        ({"version": 9}, b"no_template"),
        ({"version": 4, "data": msgspec.Raw(b'{"parts":0}')}, b"FilterArgumentError"),
        ({"version": 4, "data": msgspec.Raw(b'{"parts":null}')}, b"wrong:plural"),
        ({"version": 5}, b"TooMuchWork"),
        ({"version": 6}, b"UnreadableTemplate"),
    ],
)
async def test_what_cannot_be_rendered_is_a_dead_letter_and_its_neighbours_go_on(
    scene: Scene, about: dict[str, Any], code: bytes
) -> None:
    divides = (
        "{% if data.parts %}{{ 1 | divided_by: data.parts }}{% else %}{{ data.parts | plural: other: '' }}{% endif %}"
    )
    endless = "{% for i in (1..9999) %}{% if 'a' == 'b' %}{% endif %}{% endfor %}" * 99
    for version, title in ((4, divides), (5, endless), (6, "{{" * 50_000)):
        texts = Templates(in_app=InAppTemplate(title=title))
        scene.catalog.publish("acme", a.workflow(version=version, templates=texts))
    broken = at(7, **about)
    await scene.writer.write([broken, at(8)])
    (letter,) = scene.publisher.on(DLQ)
    assert letter.value == broken.value
    assert dict(letter.headers)["error_class"] == b"render_failed"
    assert dict(letter.headers)["error_code"] == code
    assert [item.offset for item in scene.announced] == [8]
    assert sorted(scene.states) == ["dead", "sent"]


async def test_a_dead_one_is_an_event_where_a_workflow_starts_on_it(scene: Scene) -> None:
    await scene.writer.write([at(7, version=9)])
    assert scene.publisher.on(TOPICS.accepted_events) == []
    scene.catalog.publish("acme", a.workflow(key="ops.alarm", on=("carillon.delivery.dead",), recipients="data.nobody"))
    await scene.catalog.load()
    await scene.writer.write([at(7, version=9)])
    assert [dict(each.headers)["ce_type"] for each in scene.publisher.on(TOPICS.accepted_events)] == [
        b"carillon.delivery.dead"
    ]


async def test_what_died_in_time_does_not_expire_as_well(scene: Scene, clock: time_machine.Traveller) -> None:
    """Written, then killed before the commit: the same record is read again after its expiry."""
    record = at(4, version=99, expires_at=a.NOON + 1000)
    await scene.writer.write([record])
    first = list(scene.publisher.written)
    clock.shift(60)
    await scene.writer.write([record])
    assert scene.states == ["dead", "dead"]
    assert scene.publisher.written == first * 2


async def test_what_cannot_be_read_is_a_dead_letter_and_its_neighbours_go_on(scene: Scene) -> None:
    foreign = a.record(encode(a.delivery()), topic=TOPIC, offset=6)
    await scene.writer.write([a.record(b"{", topic=TOPIC, offset=5), foreign, at(7)])
    assert [dict(letter.headers)["error_code"] for letter in scene.publisher.on(DLQ)] == [
        b"unreadable_delivery",
        b"wrong_channel",
    ]
    assert [item.offset for item in scene.announced] == [7]


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", ["catalog", "rows", "publisher"])
async def test_a_failure_at_any_step_is_waited_out_and_commits_nothing_before(
    scene: Scene, clock: time_machine.Traveller, step: str, after_effect: bool
) -> None:
    """The end is the same; only what was in doubt is on the log twice."""
    undisturbed = Scene()
    records = [at(7), at(8, expires_at=a.NOON)]
    await undisturbed.writer.write(records)
    outages = getattr(scene, step).outages
    outages.add(after_effect=after_effect)
    consumer, stop = MemoryConsumer(TOPIC, *records), asyncio.Event()
    running = asyncio.create_task(scene.reader.run(consumer, stop))
    async with asyncio.timeout(SOON):
        await consumer.idle.wait()
        stop.set()
        await running
    assert outages.met, "the step was passed"
    assert scene.rows.rows == undisturbed.rows.rows
    times = 2 if step == "publisher" and after_effect else 1
    assert scene.publisher.written == undisturbed.publisher.written * times
    assert consumer.committed == {(TOPIC, 1): 9}


async def test_nothing_is_committed_before_it_is_on_the_log(scene: Scene) -> None:
    consumer, stop = MemoryConsumer(TOPIC, at(7)), asyncio.Event()
    scene.publisher.outages.add(1000)
    running = asyncio.create_task(scene.reader.run(consumer, stop))
    await turns_until(lambda: bool(scene.rows.rows), what="the row")
    await turns()
    assert not consumer.committed
    running.cancel()
    await asyncio.wait({running})


async def test_a_stop_finishes_and_commits_the_bulk_in_flight(scene: Scene) -> None:
    consumer, stop = MemoryConsumer(TOPIC, at(7), at(8)), asyncio.Event()
    running = asyncio.create_task(scene.reader.run(consumer, stop))
    await turns_until(lambda: bool(scene.rows.rows), what="the row")
    stop.set()
    async with asyncio.timeout(SOON):
        await running
    assert [item.offset for item in scene.announced] == [7, 8]
    assert consumer.committed == {(TOPIC, 1): 9}


async def test_a_deletion_erases_the_rows_before_it_in_the_lane_and_no_others(scene: Scene) -> None:
    """The rows of an earlier life that were under way when the user was deleted."""
    ended = a.record(encode(profile_changed("acme", "ada", 1)), topic=TOPIC, partition=1, offset=9)
    for _ in range(2):  # a replay writes the earlier rows again, and erases them again
        await scene.writer.write([at(7), at(8, user="bob"), ended, at(10, life=1)])
        assert set(scene.rows.rows) == {"d-8", "d-10"}
    await scene.writer.write([at(11), a.record(encode(profile_changed("acme", "ada", 1)), topic=TOPIC, offset=12)])
    assert set(scene.rows.rows) == {"d-8", "d-10"}
    assert scene.publisher.on(DLQ) == []
