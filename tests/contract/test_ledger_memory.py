"""What a ledger's row remembers of the passes before: the attempts, and whether a worker died over one of them."""

from __future__ import annotations

import msgspec
import pytest

from shared.model.attempts import MAX_ATTEMPT_LOG, attempts_of
from shared.model.claims import Claimed, Recorded
from tests.contract.test_ledger import (
    CANCELLED,
    ENDED,
    RETRYING,
    SENT,
    Process,
    attempt,
    closing,
    one,
    process,
    received,
)
from tests.support.twins.ledger import MemoryLedger

__all__ = ["process"]  # the fixture


async def test_that_a_worker_died_over_it_is_known_in_every_later_pass(
    process: Process, request: pytest.FixtureRequest
) -> None:
    """Who asks whether somebody got it twice looks when all passes are over."""

    async def maybe_sent() -> bool:
        ledger = process("reader")
        if isinstance(ledger, MemoryLedger):
            return ledger.rows["d"].maybe_sent
        row = await request.getfixturevalue("database").deliveries.find_one({"_id": "d"})
        return bool(row.get("maybe_sent"))

    await process("dead", ENDED).claim([received()])
    assert not await maybe_sent()
    heir = process("heir")
    assert await one(heir, received()) == Claimed(crashed=True)
    await heir.record([(received().delivery, RETRYING)])
    assert await one(heir, received(1)) == Claimed(crashed=False)
    assert await maybe_sent()


async def log_of(process: Process, request: pytest.FixtureRequest) -> list[int]:
    """When the attempts were that are kept of the delivery."""
    ledger = process("reader")
    if isinstance(ledger, MemoryLedger):
        return [each.at for each in ledger.rows["d"].attempts]
    row = await request.getfixturevalue("database").deliveries.find_one({"_id": "d"})
    return [each["at"] for each in attempts_of(row)]


async def test_every_attempt_is_kept_whatever_is_repeated(process: Process, request: pytest.FixtureRequest) -> None:
    mine, dead = process("a"), process("dead", ENDED)
    first = msgspec.structs.replace(RETRYING, log=(attempt(1), attempt(2)))
    await mine.claim([received()])
    for _ in range(2):
        await mine.record([(received().delivery, first)])
    assert await one(process("b"), received()) == Recorded(result=first), "a replay tells of the same account"
    await dead.claim([received(1)])
    assert await one(mine, received(1)) == Claimed(crashed=True)
    assert await log_of(process, request) == [1, 2], "claimed again, none twice"
    await mine.record([(received(1).delivery, msgspec.structs.replace(RETRYING, log=(attempt(3),)))])
    await mine.claim([received(2)])
    await mine.record([(received(2).delivery, RETRYING)])
    assert await one(process("b"), received(2)) == Recorded(result=RETRYING), "nothing was tried in this pass"
    await mine.close([closing(3)])
    assert await one(process("b"), received(3)) == Recorded(result=CANCELLED)
    await mine.claim([received(generation=1)])
    await mine.record([(received(generation=1).delivery, msgspec.structs.replace(SENT, log=(attempt(4),)))])
    assert await log_of(process, request) == [1, 2, 3, 4]


async def test_who_closes_a_row_leaves_its_attempts(process: Process, request: pytest.FixtureRequest) -> None:
    mine = process("a")
    await mine.claim([received()])
    await mine.record([(received().delivery, msgspec.structs.replace(RETRYING, log=(attempt(1),)))])
    await mine.close([closing(1)])
    assert await one(process("b"), received(1)) == Recorded(result=CANCELLED)
    assert await log_of(process, request) == [1]


async def test_only_the_newest_attempts_are_kept(process: Process, request: pytest.FixtureRequest) -> None:
    mine = process("a")
    for number in range(8):
        await mine.claim([received(number)])
        log = tuple(attempt(number * 6 + each) for each in range(6))
        await mine.record([(received(number).delivery, msgspec.structs.replace(RETRYING, log=log))])
    assert await log_of(process, request) == list(range(48 - MAX_ATTEMPT_LOG, 48))
