"""Group commit when the sink or the probe has a bug: nobody waits for ever, and the owner ends."""

from __future__ import annotations

import asyncio

import pytest

from shared.kafka.group_commit import GroupCommit
from shared.model.errors import KafkaUnavailable
from shared.process.background import run_until_stopped
from tests.support.twins.sink import MemorySink, out
from tests.support.wait import turns

pytestmark = pytest.mark.timeout(30)


async def until_stopped(commit: GroupCommit) -> None:
    """A service that group commit is watched by."""
    stop = asyncio.Event()

    async def serving() -> None:
        await stop.wait()

    await run_until_stopped(stop, serving(), [commit.watch()])


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("bug", "seen"), [(ZeroDivisionError("a bug"), ZeroDivisionError), (asyncio.CancelledError(), RuntimeError)]
)
async def test_a_bug_in_a_write_ends_the_owner(sink: MemorySink, bug: BaseException, seen: type[Exception]) -> None:
    commit = GroupCommit(sink, name="memory", deadline_seconds=5)
    await commit.start()
    owner = asyncio.create_task(until_stopped(commit))
    await commit.publish(out(b"a"))
    assert not owner.done()
    sink.broken = bug
    with pytest.raises(KafkaUnavailable):
        await commit.publish(out(b"b"))
    with pytest.raises(seen):
        await owner


@pytest.mark.asyncio
async def test_what_waits_behind_a_bug_is_refused_without_asking_the_sink(sink: MemorySink) -> None:
    commit = GroupCommit(sink, name="memory", deadline_seconds=5)
    await commit.start()
    sink.open.clear()
    first = asyncio.create_task(commit.publish(out(b"a")))
    await turns()
    second = asyncio.create_task(commit.publish(out(b"b")))
    await turns()
    sink.broken = ZeroDivisionError("a bug")
    sink.open.set()
    await asyncio.wait({first})
    sink.broken = None
    results = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(result) for result in results] == [KafkaUnavailable, KafkaUnavailable]
    assert sink.groups == []
    with pytest.raises(ZeroDivisionError):
        await commit.stop()
    assert sink.groups == [[b"stopped"]]


@pytest.mark.asyncio
async def test_a_bug_in_the_probe_ends_the_owner(sink: MemorySink) -> None:
    sink.broken = KafkaUnavailable("gone")
    commit = GroupCommit(sink, name="memory", deadline_seconds=0.2)
    await commit.start()
    was_alive = commit.alive
    owner = asyncio.create_task(until_stopped(commit))
    sink.broken = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError):
        async with asyncio.timeout(10):
            await owner
    assert (was_alive, commit.alive) == (True, False)
    with pytest.raises(KafkaUnavailable):
        await commit.publish(out(b"a"))
    with pytest.raises(ZeroDivisionError):
        await commit.stop()
