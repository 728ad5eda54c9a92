"""The lane's queue around failures, cancellation and partitions that move; the log is in memory, the worker ends when told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka import TopicPartition

from shared.model.outputs import Coordinates
from tests.support.twins.consumer import MemoryConsumer
from tests.support.wait import turns_until
from tests.unit.delivery.lanes import SOON, TOPIC, Hands, Running, lane, log_of, read


async def test_stopping_finishes_what_is_claimed_and_commits_no_further() -> None:
    log, hands = log_of(*(read(n) for n in range(3)), read(3, b"acme:bob")), Hands()
    running = Running(hands, log)
    await hands.until(2)
    running.stop.set()
    await asyncio.sleep(0)
    assert not running.task.done()
    hands.end(3)
    hands.end(0)
    await running.ended()
    assert len(hands.jobs) == 2, "what waited behind the claimed one is dropped"
    assert log.committed == {(TOPIC, 0): 1}


async def test_what_is_not_claimed_is_dropped_at_once() -> None:
    log, hands = log_of(read(0)), Hands(claims=False)
    running = Running(hands, log)
    await hands.until(1)
    running.stop.set()
    await running.ended()
    assert [at.offset for at in hands.cancelled] == [0]
    assert log.committed == {(TOPIC, 0): 0}


async def test_a_full_lane_does_not_hide_a_failure() -> None:
    log, hands = log_of(*(read(n) for n in range(10))), Hands()
    running = Running(hands, log, slots=1)  # 4 records of one key: the lane is full, one is at work
    await hands.until(1)
    hands.jobs[Coordinates(TOPIC, 0, 0)].set_exception(RuntimeError("broken"))
    with pytest.raises(RuntimeError, match="broken"):
        await running.ended()
    assert log.committed == {(TOPIC, 0): 0}


async def test_a_full_lane_does_not_hide_the_stop() -> None:
    log, hands = log_of(*(read(n) for n in range(10))), Hands(claims=False)
    running = Running(hands, log, slots=1)
    await hands.until(1)
    await turns_until(lambda: len(log.waiting) <= 6, what="a full lane")
    running.stop.set()
    await running.ended()
    assert len(hands.cancelled) == 1


async def test_no_more_is_read_than_there_is_room_for() -> None:
    log, hands = log_of(*(read(n, b"acme:%d" % n) for n in range(10))), Hands()
    running = Running(hands, log, slots=1)
    for offset in range(10):
        await hands.until(offset + 1)
        assert len(log.waiting) >= 10 - offset - 4
        hands.end(offset)
    await log.idle.wait()
    running.stop.set()
    await running.ended()
    assert log.committed == {(TOPIC, 0): 10}
    assert max(log.most) == 4


async def test_a_failure_at_the_very_end_is_raised_too() -> None:
    log, hands = log_of(read(0)), Hands()
    running = Running(hands, log)
    await hands.until(1)
    running.stop.set()
    await asyncio.sleep(0)
    hands.jobs[Coordinates(TOPIC, 0, 0)].set_exception(RuntimeError("late"))
    with pytest.raises(RuntimeError, match="late"):
        await running.ended()


async def test_partitions_that_come_back_are_delivered_from_the_last_commit() -> None:
    """The head of a chain was dropped before its claim: after the re-assignment its key must flow again."""
    log, hands = log_of(read(0), read(1), read(0, partition=1), read(1, partition=1)), Hands(claims=False)
    running = Running(hands, log)
    await hands.until(2)
    listener = running.queue.listener(log)
    await listener.on_partitions_revoked({TopicPartition(TOPIC, 0)})
    assert hands.cancelled == [Coordinates(TOPIC, 0, 0)]
    assert log.committed == {(TOPIC, 0): 0, (TOPIC, 1): 0}
    await listener.on_partitions_assigned({TopicPartition(TOPIC, 0)})
    del hands.jobs[Coordinates(TOPIC, 0, 0)]
    log.waiting += [read(0), read(1)]
    for place in ((0, 0), (1, 0), (0, 1), (1, 1)):
        while (at := Coordinates(TOPIC, place[1], place[0])) not in hands.jobs:
            hands.changed.clear()
            async with asyncio.timeout(SOON):
                await hands.changed.wait()
        hands.jobs[at].set_result(None)
    log.idle.clear()
    await log.idle.wait()
    running.stop.set()
    await running.ended()
    assert log.committed == {(TOPIC, 0): 2, (TOPIC, 1): 2}


async def test_revoking_nothing_and_the_unknown_is_nothing() -> None:
    queue, log = lane(Hands()), log_of()
    await queue.revoke(log, set())
    await queue.revoke(log, {(TOPIC, 9)})
    assert log.committed == {}


async def test_a_lane_full_of_the_unclaimed_reads_on_after_its_partition_has_gone() -> None:
    log, hands = log_of(*(read(n) for n in range(4))), Hands(claims=False)
    running = Running(hands, log, slots=1)  # the lane is full, and nothing in it is claimed
    await hands.until(1)
    await running.queue.revoke(log, {(TOPIC, 0)})
    log.waiting = [read(7, b"acme:bob", partition=1)]
    await hands.until(2)
    running.stop.set()
    await running.ended()


class BrokenConsumer(MemoryConsumer):
    """One whose commits fail as nothing of Kafka's does."""

    async def commit(self, offsets: Any) -> None:
        raise LookupError("a bug")


async def test_a_bug_in_committing_ends_the_lane() -> None:
    log, hands = BrokenConsumer(TOPIC, read(0)), Hands()
    running = Running(hands, log)
    await hands.until(1)
    hands.end(0)
    with pytest.raises(LookupError, match="a bug"):
        await running.ended()
