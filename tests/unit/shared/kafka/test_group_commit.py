"""Group commit on a sink in memory: grouping, order, deadline, unavailable and back, bounds, bugs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiokafka.errors import MessageSizeTooLargeError
from structlog.testing import capture_logs

from shared.kafka.group_commit import GroupCommit, Overloaded
from shared.model.errors import KafkaUnavailable, Unavailable
from shared.model.outputs import Output
from tests.support.twins.sink import MemorySink, out
from tests.support.wait import turns

pytestmark = pytest.mark.timeout(30)


@pytest_asyncio.fixture
async def group(sink: MemorySink) -> AsyncIterator[GroupCommit]:
    """With a deadline, started."""
    commit = GroupCommit(sink, name="memory", deadline_seconds=0.2, most_bytes=5000)
    await commit.start()
    yield commit
    sink.open.set()
    await commit.stop()


async def back(commit: GroupCommit) -> None:
    """Waits for the probe."""
    async with asyncio.timeout(10):
        while commit.unavailable:  # noqa: ASYNC110  # it has no event, and needs none
            await asyncio.sleep(0.01)


@pytest.mark.asyncio
async def test_what_arrives_during_a_write_goes_into_the_next(sink: MemorySink, group: GroupCommit) -> None:
    sink.open.clear()
    first = asyncio.create_task(group.publish(out(b"0")))
    await turns()
    others = [asyncio.create_task(group.publish(out(b"%d" % number))) for number in range(1, 10)]
    await turns()
    assert not any(task.done() for task in (first, *others))
    sink.open.set()
    await asyncio.gather(first, *others)
    assert sink.groups == [[b"0"], [b"%d" % number for number in range(1, 10)]]


@pytest.mark.asyncio
async def test_past_the_deadline_everybody_is_told_and_the_sink_discarded(sink: MemorySink, group: GroupCommit) -> None:
    sink.open.clear()
    in_doubt = asyncio.create_task(group.publish(out(b"a")))
    await turns()
    waiting = asyncio.create_task(group.publish(out(b"b")))
    results = await asyncio.gather(in_doubt, waiting, return_exceptions=True)
    assert [type(result) for result in results] == [KafkaUnavailable, KafkaUnavailable]
    assert sink.discards == 1
    assert sink.groups == []


@pytest.mark.asyncio
async def test_while_unavailable_it_refuses_at_once_until_a_probe_connects(
    sink: MemorySink, group: GroupCommit
) -> None:
    sink.broken = KafkaUnavailable("gone")
    with pytest.raises(KafkaUnavailable):
        await group.publish(out(b"a"))
    assert group.unavailable
    sink.open.clear()
    with pytest.raises(KafkaUnavailable):
        await group.publish(out(b"b"))  # the sink would block: it is not asked
    sink.open.set()
    sink.broken = None
    await back(group)
    await group.publish(out(b"c"))
    assert sink.groups == [[b"c"]]


@pytest.mark.asyncio
async def test_the_deadline_may_count_from_earlier(sink: MemorySink, group: GroupCommit) -> None:
    sink.open.clear()
    with pytest.raises(KafkaUnavailable):
        await group.publish(out(b"a"), since=0.001)


@pytest.mark.asyncio
async def test_too_large_a_record_is_its_own_callers_trouble(sink: MemorySink, group: GroupCommit) -> None:
    sink.open.clear()
    tasks = [asyncio.create_task(group.publish(out(value))) for value in (b"0",)]
    await turns()
    tasks += [asyncio.create_task(group.publish(out(value))) for value in (b"1", b"x" * 1001, b"2")]
    await turns()
    sink.open.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [type(None), type(None), MessageSizeTooLargeError, type(None)]
    assert sorted(value for values in sink.groups for value in values) == [b"0", b"1", b"2"]
    assert not group.unavailable


class SlowSink(MemorySink):
    """Takes `c` alone only when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let = asyncio.Event()

    async def publish(self, outputs: list[Output]) -> None:
        if [output.value for output in outputs] == [b"c"]:
            await self.let.wait()
        await super().publish(outputs)


@pytest.mark.asyncio
async def test_a_neighbour_of_too_large_a_record_is_told_when_its_own_write_is_done() -> None:
    sink = SlowSink()
    group = GroupCommit(sink, name="memory", deadline_seconds=20)
    await group.start()
    sink.open.clear()
    first = asyncio.create_task(group.publish(out(b"a")))
    await turns()
    behind = [asyncio.create_task(group.publish(out(value))) for value in (b"b", b"x" * 2000, b"c")]
    await turns()
    sink.open.set()
    await asyncio.wait({first, behind[0], behind[1]}, timeout=10)
    assert [task.done() for task in behind] == [True, True, False]
    sink.let.set()
    results = await asyncio.gather(*behind, return_exceptions=True)
    assert [type(each) for each in results] == [type(None), MessageSizeTooLargeError, type(None)]
    await group.stop()


@pytest.mark.asyncio
async def test_what_waits_is_bounded(sink: MemorySink, group: GroupCommit) -> None:
    sink.open.clear()
    tasks = [asyncio.create_task(group.publish(out(b"x" * 900))) for _ in range(2)]
    await turns()
    tasks += [asyncio.create_task(group.publish(out(b"x" * 900))) for _ in range(8)]
    await turns()
    refused = [task for task in tasks if task.done()]
    assert 0 < len(refused) < len(tasks)
    assert {type(task.exception()) for task in refused} == {Overloaded}
    sink.open.set()
    await asyncio.gather(*(task for task in tasks if task not in refused))
    await group.publish(out(b"x" * 900))  # room again


@pytest.mark.asyncio
async def test_without_a_deadline_it_waits_for_the_sink_to_come_back(sink: MemorySink) -> None:
    commit = GroupCommit(sink, name="patient", deadline_seconds=None)
    await commit.start()
    sink.broken = KafkaUnavailable("gone")
    waiting = asyncio.create_task(commit.publish(out(b"a")))
    await turns()
    assert not waiting.done()
    sink.broken = None
    await waiting
    await commit.stop()
    assert sink.groups == [[b"a"], [b"stopped"]]


@pytest.mark.asyncio
async def test_stop_writes_what_is_pending_and_then_refuses(sink: MemorySink) -> None:
    commit = GroupCommit(sink, name="memory", deadline_seconds=5)
    await commit.start()
    task = asyncio.create_task(commit.publish(out(b"a")))
    await asyncio.sleep(0)
    await commit.stop()
    await task
    assert sink.groups == [[b"a"], [b"stopped"]]
    with pytest.raises(Unavailable):
        await commit.publish(out(b"b"))


@pytest.mark.asyncio
async def test_it_starts_although_the_sink_is_unavailable(sink: MemorySink) -> None:
    sink.broken = KafkaUnavailable("gone")
    commit = GroupCommit(sink, name="memory", deadline_seconds=0.2)
    await commit.start()
    assert commit.unavailable
    sink.broken = None
    await back(commit)
    await commit.publish(out(b"a"))
    await commit.stop()


@pytest.mark.asyncio
async def test_a_bug_in_the_sink_leaves_nobody_waiting(sink: MemorySink) -> None:
    commit = GroupCommit(sink, name="memory", deadline_seconds=5)
    await commit.start()
    sink.broken = ZeroDivisionError("a bug")
    with pytest.raises(KafkaUnavailable):
        await commit.publish(out(b"a"))
    await turns()
    assert not commit.alive
    with pytest.raises(KafkaUnavailable):
        await commit.publish(out(b"b"))
    with pytest.raises(ZeroDivisionError):
        await commit.stop()


@pytest.mark.asyncio
async def test_a_call_whose_own_time_is_over_harms_nobody_else(sink: MemorySink, group: GroupCommit) -> None:
    with pytest.raises(KafkaUnavailable, match="too late"):
        await group.publish(out(b"slow upload"), since=time.monotonic() - 10)
    assert not group.unavailable
    await group.publish(out(b"neighbour"))
    assert sink.groups == [[b"neighbour"]]


@pytest.mark.asyncio
async def test_the_log_says_what_becomes_of_calls_meanwhile(sink: MemorySink) -> None:
    sink.broken = KafkaUnavailable("no broker")
    with capture_logs() as logs:
        commit = GroupCommit(sink, name="memory", deadline_seconds=0.2, meanwhile="they are put elsewhere")
        await commit.start()
        sink.broken = None
        await back(commit)
        await commit.stop()
    (line,) = [line for line in logs if line["event"] == "sink_unavailable"]
    assert line["next"] == "they are put elsewhere; probes go on until one connects"
