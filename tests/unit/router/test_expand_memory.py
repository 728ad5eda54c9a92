"""What one chunk of events becomes is never in memory as a whole, and what fails in the middle is written again."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable

import orjson
import pytest

from services.router.expand import Expander
from shared.model.errors import KafkaUnavailable
from shared.model.output_slices import SLICE_BYTES, in_slices
from shared.model.outputs import Output
from tests.support import samples as a
from tests.unit.ingest.scenes import outputs
from tests.unit.router.expand_stores import TOPICS, TYPE, ExpandStores, carry

pytestmark = pytest.mark.usefixtures("clock")
WORKFLOWS = 6
USERS = [f"user-{number}" for number in range(100)]
LARGE = orjson.dumps({"to": USERS, "text": "x" * 160_000})


class CountingPublisher:
    """A RecordWriter that keeps nothing but the sizes of its calls; `fail_at` names the call that raises."""

    def __init__(self, *, fail_at: int | None = None) -> None:
        self.calls: list[int] = []
        self.keys: list[bytes | None] = []
        self._fail_at = fail_at

    async def publish(self, outputs: Iterable[Output]) -> None:
        wanted = list(outputs)
        self.calls.append(sum(len(each.value or b"") for each in wanted))
        if len(self.calls) == self._fail_at:
            raise KafkaUnavailable("in the middle")
        self.keys += [each.key for each in wanted if each.topic == TOPICS.notifications]


async def expander(publisher: CountingPublisher) -> Expander:
    stores = ExpandStores()
    for number in range(1, WORKFLOWS):
        stores.catalog.publish("default", a.workflow(key=f"order.copy{number}", on=(TYPE,), recipients="data.to"))
    stores.publisher = publisher  # type: ignore[assignment]  # it keeps no records
    return await stores.expander()


async def test_a_chunk_that_becomes_100_mb_holds_a_slice_of_it() -> None:
    publisher = CountingPublisher()
    work = await expander(publisher)
    event = a.event_record(data=LARGE)
    tracemalloc.start()
    try:
        await carry(work, event)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(publisher.calls) > 90_000_000
    assert len(publisher.keys) == WORKFLOWS * len(USERS)
    assert max(publisher.calls) <= SLICE_BYTES
    assert peak < 3 * SLICE_BYTES


async def test_what_failed_in_the_middle_is_written_again_as_a_whole() -> None:
    """It is acknowledged only then: what went out before is a duplicate by its ids."""
    publisher = CountingPublisher(fail_at=3)
    work = await expander(publisher)
    prepared = await work.prepare([a.event_record(data=LARGE)])
    with pytest.raises(KafkaUnavailable):
        await work.finish(prepared)
    before = list(publisher.keys)
    assert 0 < len(before) < WORKFLOWS * len(USERS), "some of it is written"
    publisher.keys.clear()
    await work.finish(prepared)
    assert publisher.keys == [f"default:{user}".encode() for user in USERS] * WORKFLOWS
    assert publisher.keys[: len(before)] == before


async def test_what_is_small_is_written_at_once() -> None:
    publisher = CountingPublisher()
    await carry(await expander(publisher), a.event_record(data=b'{"to":["ada","bob"]}'))
    assert len(publisher.calls) == 1


@pytest.mark.parametrize(
    ("sizes", "slices"), [([], []), ([9], [[9]]), ([2, 2, 1], [[2, 2], [1]]), ([9, 1, 9], [[9], [1], [9]])]
)
def test_slices_keep_the_order_and_the_bound(sizes: list[int], slices: list[list[int]]) -> None:
    made = in_slices(outputs(*(b"x" * size for size in sizes)), most_bytes=6)
    assert [[len(each.value or b"") for each in one] for one in made] == slices
