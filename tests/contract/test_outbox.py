"""The outbox: relayed in its order by one at a time, claimed under a token until a lease ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from services.ingest.outbox import LEASE, MAX_BYTES, MAX_ROWS, OutboxRows
from shared.model.outputs import Output
from tests.support.twins.outbox import MemoryOutbox, Row
from tests.support.wait import until

Instance = Callable[..., Any]


@pytest.fixture
def instance(implementation: str, request: pytest.FixtureRequest) -> Instance:
    """Makes what one more process has of the same outbox."""
    rows: list[Row] = []
    database = request.getfixturevalue("database") if implementation == "real" else None

    def make(lease: timedelta = LEASE) -> Any:
        return MemoryOutbox(rows, lease=lease) if database is None else OutboxRows(database, lease=lease)

    return make


def output(number: int, size: int = 0) -> Output:
    return Output("t", b"k", b"%d" % number + b"." * size, [("h", b"1")])


async def test_a_record_comes_back_as_it_was_given(instance: Instance) -> None:
    outbox = instance()
    await outbox.start()
    assert (await outbox.claim())[1] == []
    given = [Output("a", None, b"v", []), Output("b", b"k", None, [("h", b"1"), ("h", "ü".encode())])]
    await outbox.publish(given)
    assert (await outbox.claim())[1] == given


async def test_they_are_claimed_in_order_by_one_relay_at_a_time(instance: Instance) -> None:
    outbox = instance()
    for start in range(0, 1200, 400):
        await outbox.publish([output(number) for number in range(start, start + 400)])
    relays = [instance() for _ in range(8)]
    claims = await asyncio.gather(*[relay.claim() for relay in relays])
    won = [outputs for _, outputs in claims if outputs]
    assert len(won) == 1
    assert won[0] == [output(number) for number in range(MAX_ROWS)]
    token = next(token for token, outputs in claims if outputs)
    assert (await outbox.claim())[1] == []
    await outbox.give_back(token)
    token, again = await outbox.claim()
    assert again == won[0]
    assert await outbox.delete(token) == MAX_ROWS
    _, following = await outbox.claim()
    assert following[0] == output(MAX_ROWS)


async def test_what_is_written_behind_a_claim_waits_for_it(instance: Instance) -> None:
    outbox = instance()
    await outbox.publish([output(1)])
    token, _ = await outbox.claim()
    await outbox.publish([output(2)])
    assert (await instance().claim())[1] == []
    await outbox.delete(token)
    assert (await instance().claim())[1] == [output(2)]


async def test_a_claim_has_a_bound_in_bytes_that_a_single_record_may_pass(instance: Instance) -> None:
    outbox = instance()
    sizes = [MAX_BYTES + 1, MAX_BYTES // 2, MAX_BYTES // 2 - 10, 20]
    for number, size in enumerate(sizes):
        await outbox.publish([output(number, size)])
    claimed = []
    while True:
        token, outputs = await outbox.claim()
        if not outputs:
            break
        claimed.append([bytes(each.value[:1]) for each in outputs])
        await outbox.delete(token)
    assert claimed == [[b"0"], [b"1", b"2"], [b"3"]]


async def test_whose_lease_has_ended_deletes_nothing_that_another_relays(instance: Instance) -> None:
    crashed, other = instance(timedelta(milliseconds=1)), instance()
    await crashed.publish([output(1), output(2)])
    token, outputs = await crashed.claim()
    assert outputs == [output(1), output(2)]

    async def taken_over() -> Any:
        claim = await other.claim()
        return claim if claim[1] else ()

    new_token, taken = await until(taken_over, what="the lease to end")
    assert taken == outputs
    assert await crashed.delete(token) == 0
    await crashed.give_back(token)
    assert (await instance().claim())[1] == []
    assert await other.delete(new_token) == 2
