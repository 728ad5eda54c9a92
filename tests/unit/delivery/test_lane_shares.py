"""What one key, or large records, may hold of a lane."""

from __future__ import annotations

import asyncio

from services.delivery.lane import BEHIND, LaneQueue
from shared.model.channels import Channel
from shared.model.outputs import KafkaRecord
from shared.process.newer import NewerRecords
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


async def test_what_waits_for_a_key_that_is_not_slow_keeps_its_order_and_takes_no_room_from_others() -> None:
    """A send every few seconds, hundreds queued: nobody gives way, and who comes after them is served at once."""
    log, hands = log_of(*(read(n) for n in range(300)), read(300, b"acme:bob")), Hands(seconds=3)
    running = Running(hands, log, slots=16)  # 64 ahead
    await hands.until(2)
    assert sorted(at.offset for at in hands.jobs) == [0, 300]
    assert hands.gave_way == []
    hands.end(300)
    for offset in range(300):
        await hands.until(offset + 2)
        hands.end(offset)
    await log.idle.wait()
    running.stop.set()
    await running.ended()
    assert [at.offset for at in hands.jobs if at.offset < 300] == list(range(300))
    assert hands.gave_way == []
    assert log.committed == {(TOPIC, 0): 301}


async def test_when_one_key_has_filled_all_memory_there_is_it_gives_way_slow_or_not() -> None:
    count = BEHIND * 64 + 100
    log, hands = log_of(*(read(n) for n in range(count)), read(count, b"acme:bob")), Hands()
    running = Running(hands, log, slots=16)
    await hands.until(2)
    assert sorted(at.offset for at in hands.jobs) == [0, count]
    assert len(hands.gave_way) >= BEHIND * 64 - 8
    running.stop.set()
    for offset in (0, count):
        hands.end(offset)
    await running.ended()


async def test_records_without_a_key_are_bounded_as_they_are() -> None:
    log, hands = log_of(*(read(n)._replace(key=None) for n in range(100))), Hands()
    running = Running(hands, log, slots=16)
    await hands.until(64)
    await turns()
    assert len(hands.jobs) == 64
    running.stop.set()
    for offset in range(64):
        hands.end(offset)
    await running.ended()


async def test_above_the_bound_of_bytes_nothing_more_is_read() -> None:
    def large(offset: int) -> KafkaRecord:
        return read(offset, b"acme:%d" % offset)._replace(headers=[("x", b"x" * 1000)])

    log, hands = log_of(*(large(n) for n in range(100))), Hands()
    queue = LaneQueue(newer=NewerRecords(), channel=Channel.EMAIL, worker=hands, slots=16, most_bytes=40_000)
    stop = asyncio.Event()
    running = asyncio.create_task(queue.run(log, stop))
    await hands.until(64)  # one fetch, as large as the client has buffered
    for offset in range(20):
        hands.end(offset)
    await turns()
    assert len(hands.jobs) == 64, "there would be room for 20, but not for their bytes"
    for offset in range(20, 100):
        await hands.until(offset + 1)
        hands.end(offset)
    await log.idle.wait()
    stop.set()
    await running
    assert log.committed == {(TOPIC, 0): 100}
