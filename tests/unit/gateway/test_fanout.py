from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from services.gateway.core.limits import FANOUT_WRITE_BYTES
from services.gateway.live.backlog import Backlog
from services.gateway.live.fanout import Fanout, portions
from services.gateway.live.registry import Registry
from shared.model.outputs import KafkaRecord
from tests.support.samples import NEWER
from tests.unit.gateway.scenes import new_item
from tests.unit.gateway.test_registry import ANN, BOB, Recorder


def record(offset: int, key: bytes | None = ANN, value: bytes | None = None) -> KafkaRecord:
    value = new_item(offset) if value is None else value
    return KafkaRecord("inbox", 0, offset, key, value, [], 1)


async def batches(*given: Sequence[KafkaRecord]) -> AsyncIterator[Sequence[KafkaRecord]]:
    for batch in given:
        yield batch


def fanout(registry: Registry) -> Fanout:
    return Fanout(registry, Backlog(1 << 30))


def size(records: Sequence[KafkaRecord]) -> int:
    return len(b"".join(one.value or b"" for one in records))


def offsets(recorder: Recorder) -> list[int | None]:
    return [told.created for told in recorder.told]


async def test_events_reach_their_user_in_order_and_all_of_a_batch_at_once():
    registry, ann, bob = Registry(), Recorder(), Recorder()
    registry.add(ANN, ann)
    registry.add(BOB, bob)
    await fanout(registry).run(batches([record(1), record(2, BOB), record(3)], [record(4)]))
    assert offsets(ann) == [1, 3, 4]
    assert offsets(bob) == [2]
    assert (ann.at_once, bob.at_once) == ([2, 1], [1])
    assert (len(ann.written), len(bob.written)) == (2, 1)


async def test_what_has_no_connection_here_is_not_decoded_and_what_is_unreadable_costs_only_itself():
    registry, ann = Registry(), Recorder()
    registry.add(ANN, ann)
    strange = [
        record(1, BOB, b"junk"),
        record(2, None, b"junk"),
        record(3, ANN, b"junk"),
        record(4, ANN, b""),
        record(5, ANN, b'{"change":"created","items":[],"at":1}'),
        record(7, ANN, b'{"change":"\xff","items":[],"at":1}'),
        record(8, ANN, b'{"items":' + b"[" * 100_000),
    ]
    with capture_logs() as logs:
        await fanout(registry).run(batches([*strange, record(6)]))
    assert offsets(ann) == [6]
    assert [entry["offset"] for entry in logs] == [3, 4, 5, 7, 8]


async def test_many_events_of_a_user_are_written_in_portions():
    registry, ann = Registry(), Recorder()
    registry.add(ANN, ann)
    large = new_item(2, body="x" * FANOUT_WRITE_BYTES)
    await fanout(registry).run(batches([record(1), record(2, value=large), record(3, BOB, large), record(4)]))
    assert (offsets(ann), ann.at_once) == ([1, 2, 4], [2, 1])


async def test_others_have_their_turn_while_a_large_batch_is_written():
    registry, ann, turns = Registry(), Recorder(), []

    async def other() -> None:
        while True:
            turns.append(len(ann.written))
            await asyncio.sleep(0)

    users = [b"default:%d" % number for number in range(20)]
    for user in users:
        registry.add(user, ann)
    value = new_item(1, body="x" * (FANOUT_WRITE_BYTES // 10))
    beside = asyncio.create_task(other())
    await fanout(registry).run(batches([record(1, user, value) for user in users]))
    beside.cancel()
    assert turns[:2] == [10, 20]


async def test_what_reading_raises_ends_it():
    async def broken() -> AsyncIterator[Sequence[KafkaRecord]]:
        yield [record(1)]
        raise LookupError("the position is gone")

    registry, ann = Registry(), Recorder()
    registry.add(ANN, ann)
    with pytest.raises(LookupError):
        await fanout(registry).run(broken())
    assert offsets(ann) == [1]


@given(st.lists(st.integers(0, FANOUT_WRITE_BYTES), max_size=20))
def test_portions_keep_all_in_order_and_end_with_the_record_that_fills_them(sizes):
    records = [record(offset, value=b"x" * size) for offset, size in enumerate(sizes)]
    parts = list(portions(records))
    assert [one for part in parts for one in part] == records
    assert all(parts)
    for part in parts:
        assert size(part[:-1]) < FANOUT_WRITE_BYTES
    for part in parts[:-1]:
        assert size(part) >= FANOUT_WRITE_BYTES


async def test_a_change_that_only_a_newer_process_knows_is_handed_on():
    registry, ann = Registry(), Recorder()
    registry.add(ANN, ann)
    value = new_item(1).replace(b'"created"', b'"snoozed"')
    await fanout(registry).run(batches([record(1, value=value)]))
    assert [told.event.change for told in ann.told] == ["snoozed"]


@pytest.mark.parametrize(
    "raw",
    [b'{"change":"created","items":[],"at":1,"format":%d}' % NEWER, b'{"format":%d,"items":"packed"}' % NEWER],
    ids=["readable", "unreadable"],
)
async def test_what_only_a_newer_version_can_tell_has_the_user_read_the_inbox_again(raw):
    registry, ann, bob = Registry(), Recorder(), Recorder()
    registry.add(ANN, ann)
    registry.add(BOB, bob)
    await fanout(registry).run(batches([record(1), record(2, ANN, raw), record(3)]))
    assert offsets(ann) == [1, 3]
    assert (ann.reloaded, bob.reloaded) == (1, 0)
