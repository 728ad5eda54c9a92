"""The consumer of statuses over a log and a collection in memory: what is stored, what is committed, and when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest

from services.console.analytics.core.buckets import RollupPlace
from services.console.deliveries.core.state_row import StateRow
from services.console.timeline import consumer as timeline_consumer
from services.console.timeline.consumer import StatusConsumer, join_statuses, status_rows
from shared.kafka import consumer as kafka_consumer
from shared.model.errors import KafkaUnavailable
from shared.model.outputs import KafkaRecord
from shared.model.statuses import Subject, status
from shared.model.timestamps import rfc3339
from shared.model.topics import Topics
from shared.process.metrics import STATUSES_SKIPPED, STATUSES_STORED
from tests.support import samples as a
from tests.support.twins.consumer import ConsumerStarts, MemoryConsumer
from tests.support.twins.delivery_states import MemoryDeliveryStates
from tests.support.twins.rollups import MemoryMarks
from tests.support.twins.status_rows import MemoryStatusRows
from tests.support.wait import turns_until

TOPIC = Topics().statuses


def sent(delivery: str, offset: int, state: str = "sent") -> KafkaRecord:
    output = status(
        TOPIC, area="delivery", state=state, subject=Subject(delivery, 0, 0), tenant="acme", user="ada", at=a.NOON,
        data={"notification": "n", "accepted_at": rfc3339(a.NOON)},
    )  # fmt: skip
    return a.record(output.value, topic=TOPIC, partition=0, offset=offset, headers=output.headers)


def unreadable(offset: int) -> KafkaRecord:
    return a.record(b"{}", topic=TOPIC, partition=0, offset=offset, headers=[])


class Joining:
    """Gives out one consumer after another; an error in between is raised."""

    def __init__(self, *found: MemoryConsumer | Exception) -> None:
        self._found = list(found)

    async def __call__(self) -> MemoryConsumer:
        found = self._found.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


@asynccontextmanager
async def running(statuses: StatusConsumer) -> AsyncIterator[None]:
    task = asyncio.create_task(statuses.run())
    try:
        yield
        assert not task.done(), "the consumer ended"
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_statuses_are_stored_before_they_are_committed() -> None:
    rows, log = MemoryStatusRows(), MemoryConsumer(TOPIC, sent("a", 5), sent("b", 6))
    rows.outages.add(3)
    before = STATUSES_STORED._value.get()
    async with running(StatusConsumer(rows, Joining(log))):
        await turns_until(lambda: not rows.outages.met, what="it tries to store")
        assert log.committed == {}
        await turns_until(lambda: bool(log.committed), what="it commits")
        assert {row["subject"] for row in rows.rows.values()} == {"a", "b"}
    assert rows.outages.met
    assert log.committed == {(TOPIC, 0): 7}
    assert STATUSES_STORED._value.get() == before + 2


async def test_a_replay_is_stored_and_counted_once() -> None:
    rows, log = MemoryStatusRows(), MemoryConsumer(TOPIC, sent("a", 5), sent("a", 6))
    rows.outages.add(after_effect=True)
    before = STATUSES_STORED._value.get()
    async with running(StatusConsumer(rows, Joining(log))):
        await turns_until(lambda: bool(log.committed), what="it commits")
    assert len(rows.rows) == 1
    assert STATUSES_STORED._value.get() == before, "the first insert was not acknowledged, the second found it there"


async def test_what_is_no_status_is_counted_and_committed_with_the_rest() -> None:
    rows, log = MemoryStatusRows(), MemoryConsumer(TOPIC, unreadable(5))
    before = STATUSES_SKIPPED.labels("missing_attribute")._value.get()
    async with running(StatusConsumer(rows, Joining(log))):
        await turns_until(lambda: bool(log.committed), what="it commits")
    assert (rows.rows, log.committed) == ({}, {(TOPIC, 0): 6})
    assert STATUSES_SKIPPED.labels("missing_attribute")._value.get() == before + 1


async def test_it_waits_for_kafka_and_says_when_it_has_joined() -> None:
    log = MemoryConsumer(TOPIC)
    statuses = StatusConsumer(MemoryStatusRows(), Joining(KafkaUnavailable("not yet"), log))
    assert await statuses.goes_forward() == "it is joining its group"
    async with running(statuses):
        await asyncio.wait_for(log.idle.wait(), 5)
        assert await statuses.goes_forward() is True
    assert await statuses.goes_forward() == "it is joining its group"
    assert log.stopped


async def test_after_a_start_that_failed_late_it_joins_with_a_new_consumer(monkeypatch: pytest.MonkeyPatch) -> None:
    starts = ConsumerStarts()
    monkeypatch.setattr(kafka_consumer, "AIOKafkaConsumer", starts)
    statuses = StatusConsumer(MemoryStatusRows(), partial(join_statuses, "nowhere:9092", Topics()))
    async with running(statuses):
        await turns_until(lambda: len(starts.made) == 2, what="it opens another")
        await asyncio.wait_for(starts.made[1].idle.wait(), 5)
        assert [consumer.stopped for consumer in starts.made] == [True, False]
    assert starts.made[1].stopped


async def test_minutes_are_marked_behind_the_statuses_and_before_they_are_committed_also_of_a_replay() -> None:
    rows, marks, log = MemoryStatusRows(), MemoryMarks(), MemoryConsumer(TOPIC, sent("a", 5))
    await rows.insert(status_rows([sent("a", 5)]))
    marks.outages.add(3)
    async with running(StatusConsumer(rows, Joining(log), marks=marks)):
        await turns_until(lambda: marks.outages.met, what="it tries to mark")
        assert (log.committed, marks.tokens) == ({}, {})
        await turns_until(lambda: bool(log.committed), what="it commits")
    assert set(marks.tokens) == {RollupPlace("acme", a.NOON - a.NOON % 60_000)}


async def test_where_deliveries_stand_is_kept_once_for_what_is_committed_at_once_and_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timeline_consumer, "BATCH", 1)
    log = MemoryConsumer(TOPIC, sent("a", 5, "retrying"), sent("b", 6), sent("a", 7))
    kept: list[tuple[list[str], int]] = []

    class States(MemoryDeliveryStates):
        async def put(self, rows: Sequence[StateRow]) -> None:
            kept.append((sorted(f"{row.id} {row.fields['state']}" for row in rows), len(log.committed)))
            await super().put(rows)

    async with running(StatusConsumer(MemoryStatusRows(), Joining(log), states=States())):
        await turns_until(lambda: bool(log.committed), what="it commits")
        log.waiting.append(sent("c", 8))
        await turns_until(lambda: log.committed == {(TOPIC, 0): 9}, what="it commits again")
    assert kept == [(["a sent", "b sent"], 0), (["c sent"], 1)]
