"""What one key, or large records, may hold of a lane."""

from __future__ import annotations

import asyncio

from services.delivery.lane import LaneQueue
from shared.model.channels import Channel
from shared.model.outputs import KafkaRecord
from tests.support.wait import turns
from tests.unit.delivery.lanes import TOPIC, Hands, Running, log_of, read


async def test_a_key_behind_a_slow_send_does_not_hold_the_lane() -> None:
    """300 queued for one endpoint that takes long: the others go on, and what gave way is committed with the rest."""
    log, hands = log_of(*(read(n) for n in range(300)), read(300, b"acme:bob")), Hands(seconds=60)
    running = Running(hands, log, slots=16)  # 64 ahead, 8 of a slow key
    await hands.until(2)
    assert sorted(at.offset for at in hands.jobs) == [0, 300]
    assert sorted(hands.gave_way) == list(range(8, 300))
    hands.end(300)
    for offset in range(8):
        await hands.until(offset + 2)
        hands.end(offset)
    await log.idle.wait()
    running.stop.set()
    await running.ended()
    assert log.committed == {(TOPIC, 0): 301}


async def test_a_key_whose_sends_are_quick_keeps_its_order_however_many_wait() -> None:
    log, hands = log_of(*(read(n) for n in range(100))), Hands()
    running = Running(hands, log, slots=16)
    for offset in range(100):
        await hands.until(offset + 1)
        hands.end(offset)
    await log.idle.wait()
    running.stop.set()
    await running.ended()
    assert hands.gave_way == []
    assert [at.offset for at in hands.jobs] == list(range(100))


async def test_no_more_bytes_are_read_than_there_is_memory_for() -> None:
    def large(offset: int) -> KafkaRecord:
        return read(offset, b"acme:%d" % offset)._replace(headers=[("x", b"x" * 1000)])

    log, hands = log_of(*(large(n) for n in range(40))), Hands()
    queue = LaneQueue(channel=Channel.EMAIL, worker=hands, slots=1, most_bytes=4000)
    stop = asyncio.Event()
    running = asyncio.create_task(queue.run(log, stop))
    await hands.until(4)
    await turns()
    assert len(hands.jobs) == 4, "4000 bytes are not more than three of them"
    for offset in range(40):
        await hands.until(offset + 1)
        hands.end(offset)
    await log.idle.wait()
    stop.set()
    await running
    assert log.committed == {(TOPIC, 0): 40}
