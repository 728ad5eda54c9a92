"""The relay: the outbox goes to Kafka in its order, and nothing of it is lost on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from services.ingest import relay as relaying
from services.ingest.relay import relay, relay_once
from shared.kafka.group_commit import GroupCommit
from shared.model import oversized
from shared.model.errors import KafkaUnavailable, MongoUnavailable
from shared.model.outputs import Output
from shared.model.records import DETOUR
from shared.model.topics import Topics
from shared.process.metrics import OUTBOX_RELAYED
from tests.support.twins.outbox import MemoryOutbox, Row
from tests.support.twins.sink import MemorySink
from tests.support.wait import turns_until
from tests.unit.ingest.scenes import committing, outputs

TOPICS = Topics()


class Undeleting(MemoryOutbox):
    """Of a process that loses MongoDB after Kafka has acknowledged."""

    async def delete(self, token: str) -> int:
        raise MongoUnavailable("the primary went away")


@pytest.fixture
def log() -> MemorySink:
    return MemorySink()


@pytest.fixture
async def kafka(log: MemorySink) -> AsyncIterator[GroupCommit]:
    async with committing(log, KafkaUnavailable) as commit:
        yield commit
        log.broken = None


@pytest.fixture
async def outbox() -> MemoryOutbox:
    """With two records."""
    found = MemoryOutbox()
    await found.publish(outputs(b"1", b"2"))
    return found


async def test_records_are_relayed_in_order_and_end(kafka: GroupCommit, log: MemorySink, outbox: MemoryOutbox) -> None:
    before = OUTBOX_RELAYED._value.get()
    assert await relay_once(outbox, kafka, TOPICS) == 2
    assert (log.groups, outbox.rows) == ([[b"1", b"2"]], [])
    assert OUTBOX_RELAYED._value.get() == before + 2
    assert await relay_once(outbox, kafka, TOPICS) == 0
    assert len(log.groups) == 1


class Headers(MemorySink):
    """Remembers the headers of what was written, by topic."""

    def __init__(self) -> None:
        super().__init__()
        self.headers: dict[str, list[object]] = {}

    async def publish(self, outputs: list[Output]) -> None:
        self.headers |= {output.topic: list(output.headers) for output in outputs}
        await super().publish(outputs)


async def test_a_notification_says_that_it_waited_and_an_event_stays_as_it_was() -> None:
    """For `decide`: what was accepted after it may stand before it."""
    log, outbox = Headers(), MemoryOutbox()
    await outbox.publish([Output(topic, b"k", b"v", [("h", b"1")]) for topic in (TOPICS.notifications, TOPICS.events)])
    async with committing(log, KafkaUnavailable) as kafka:
        assert await relay_once(outbox, kafka, TOPICS) == 2
    assert log.headers == {TOPICS.notifications: [("h", b"1"), (DETOUR, b"1")], TOPICS.events: [("h", b"1")]}


async def test_what_kafka_does_not_take_is_free_again(
    kafka: GroupCommit, log: MemorySink, outbox: MemoryOutbox
) -> None:
    log.broken = KafkaUnavailable("no broker")
    await outbox.publish(outputs(b"small"))
    with pytest.raises(KafkaUnavailable):
        await relay_once(outbox, kafka, TOPICS)
    _, free = await outbox.claim()
    assert [output.value for output in free] == [b"1", b"2", b"small"]


async def test_a_record_larger_than_its_topic_takes_now_holds_up_none_behind_it(
    kafka: GroupCommit, log: MemorySink, outbox: MemoryOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its beginning is a dead letter; where not even that is taken, it is dropped and logged."""
    monkeypatch.setattr(oversized, "KEPT_BYTES", 10)
    await outbox.publish(outputs(b"x" * 1001, b"3"))
    assert await relay_once(outbox, kafka, TOPICS) == 4
    assert [value for group in log.groups for value in group] == [b"1", b"2", b"x" * 10, b"3"]
    monkeypatch.setattr(oversized, "KEPT_BYTES", 2000)
    await outbox.publish(outputs(b"x" * 1001, b"4"))
    assert await relay_once(outbox, kafka, TOPICS) == 2
    assert (log.groups[-1], outbox.rows) == ([b"4"], [])


async def test_a_crash_before_deleting_writes_them_again(kafka: GroupCommit, log: MemorySink) -> None:
    rows: list[Row] = []
    await Undeleting(rows).publish(outputs(b"1"))
    with pytest.raises(MongoUnavailable):
        await relay_once(Undeleting(rows, lease=timedelta(0)), kafka, TOPICS)
    assert await relay_once(MemoryOutbox(rows), kafka, TOPICS) == 1
    assert log.groups == [[b"1"], [b"1"]], "under the same ids: readers drop the second"


async def test_it_runs_through_outages_of_both(
    kafka: GroupCommit, log: MemorySink, outbox: MemoryOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relaying, "IDLE_SECONDS", 0.0)
    log.broken = KafkaUnavailable("no broker")
    outbox.outages.add(2)
    task = asyncio.create_task(relay(outbox, kafka, TOPICS))
    await turns_until(lambda: kafka.unavailable, what="it meets the outage of Kafka, after that of MongoDB")
    assert outbox.outages.met
    assert len(outbox.rows) == 2
    log.broken = None
    await asyncio.wait_for(_emptied(outbox), 20)
    assert log.groups == [[b"1", b"2"]]
    assert not task.done()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_that_it_waits_is_logged_now_and_then_and_not_at_each_look(
    kafka: GroupCommit, outbox: MemoryOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relaying, "IDLE_SECONDS", 0.0)
    looks = 0

    async def unanswered() -> tuple[str, list[Output]]:
        nonlocal looks
        looks += 1
        raise MongoUnavailable("no primary")

    monkeypatch.setattr(outbox, "claim", unanswered)
    with capture_logs() as logs:
        task = asyncio.create_task(relay(outbox, kafka, TOPICS))
        await turns_until(lambda: looks > 3, what="it looks again")
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert [(entry["event"], entry["error"]) for entry in logs] == [("relay_waits", "no primary")]


async def _emptied(outbox: MemoryOutbox) -> None:
    while outbox.rows:  # noqa: ASYNC110  # the probe of group commit has no event
        await asyncio.sleep(0.01)
