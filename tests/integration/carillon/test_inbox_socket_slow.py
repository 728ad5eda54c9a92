"""A consumer that takes less than comes: a bounded queue, nothing lost, nothing twice, nobody waits for himself."""

from __future__ import annotations

import asyncio

from carillon import Hello
from tests.integration.carillon.scripted_gateway import ScriptedGateway, Visit, offsets, take


async def test_a_slow_consumer_gets_everything_once_from_a_bounded_queue(gateway: ScriptedGateway):
    """It reads no more, is sent away as too slow, and resumes behind what it has kept."""

    async def first(visit: Visit) -> None:
        await visit.greet()
        await visit.notify(*range(50))
        await visit.socket.close(4008, "too slow")

    async def second(visit: Visit) -> None:
        since = int((await visit.greet("c-again"))["cursor"].removeprefix("c"))
        await visit.notify(*range(since + 1, 80))

    gateway.script = [first, second]
    async with gateway.inbox(max_queued=5) as inbox:
        found, most = [], 0
        while found[-1:] != [79]:
            most = max(most, len(inbox._queue._events))
            found += offsets(await take(inbox, 1))
            await asyncio.sleep(0)
    assert found == list(range(80))
    assert most == 5


async def test_a_consumer_that_awaits_a_command_behind_a_full_queue_does_not_wait_for_itself(gateway: ScriptedGateway):
    async def first(visit: Visit) -> None:
        await visit.greet()
        await visit.notify(*range(20))
        command = await visit.answer()
        assert (command["type"], command["ids"]) == ("seen", ["i0"])
        await visit.gone()

    async def second(visit: Visit) -> None:
        since = int((await visit.greet("c-again"))["cursor"].removeprefix("c"))
        assert since < 19
        await visit.notify(*range(since + 1, 25))

    gateway.script = [first, second]
    async with gateway.inbox(max_queued=4, patience=10) as inbox:
        events = await take(inbox, 2)
        assert await inbox.seen(["i0"]) == 1
        while offsets(events)[-1:] != [24]:
            events += await take(inbox, 1)
            assert len(inbox._queue._events) <= 4
    assert offsets(events) == list(range(25))


async def test_a_full_queue_keeps_it_from_connecting_and_room_lets_it(gateway: ScriptedGateway):
    async def first(visit: Visit) -> None:
        await visit.greet()
        await visit.notify(0)
        await visit.socket.close(4008, "too slow")

    async def second(visit: Visit) -> None:
        await visit.greet("c0")

    gateway.script = [first, second]
    async with gateway.inbox(max_queued=1) as inbox:
        assert isinstance((await take(inbox, 1))[0], Hello)
        assert offsets(await take(inbox, 1)) == [0]
        assert isinstance((await take(inbox, 1))[0], Hello)
