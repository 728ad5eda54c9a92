"""What a gateway says of who is connected: changes at once and in bulk, what lasts again and again, nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection

import pytest

from services.gateway.live import presence
from services.gateway.live.presence import PresenceKeeper
from services.gateway.live.registry import Registry
from tests.support.twins.presence import MemoryPresence
from tests.support.wait import turns, turns_until
from tests.unit.gateway.live_gateway import LiveGateway
from tests.unit.gateway.test_registry import ANN, BOB, Recorder

ANNS, BOBS = ANN.decode(), BOB.decode()


class Place:
    """A registry with its keeper, running."""

    def __init__(self, *, renew_seconds: float = 3600) -> None:
        self.registry = Registry()
        self.store = MemoryPresence("here")
        self.keeper = PresenceKeeper(self.store, self.registry.__contains__, renew_seconds=renew_seconds)
        self.registry.changed = self.keeper.note

    async def online(self) -> set[str]:
        return await self.store.online([ANNS, BOBS])

    async def until_online(self, *users: str) -> None:
        await turns_until(lambda: {user for user, pods in self.store.rows.items() if pods} == {*users}, what=f"{users}")


@pytest.fixture
async def place(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    monkeypatch.setattr(presence, "GATHER_SECONDS", 0)
    made = Place()
    running = asyncio.create_task(made.keeper.run())
    yield made
    running.cancel()


async def test_the_first_connection_and_the_last_are_what_counts(place: Place) -> None:
    first, second = Recorder(), Recorder()
    place.registry.add(ANN, first)
    await place.until_online(ANNS)
    place.registry.add(ANN, second)
    place.registry.add(ANN, second)
    place.registry.remove(ANN, first)
    await turns()
    assert place.store.renewals == [1], "nothing was written for the second"
    place.registry.remove(ANN, second)
    place.registry.remove(ANN, second)
    await place.until_online()


async def test_many_are_written_together_and_a_reload_is_no_change(place: Place) -> None:
    people = [(f"default:u{number}".encode(), Recorder()) for number in range(500)]
    for key, one in people:
        place.registry.add(key, one)
    await place.until_online(*(key.decode() for key, _ in people))
    assert place.store.renewals == [500]
    for key, one in people:
        place.registry.remove(key, one)
        place.registry.add(key, one)
    await turns()
    assert place.store.renewals == [500]
    assert len(place.keeper._changed) == 0


async def test_who_comes_and_goes_while_nothing_can_be_written_is_not_remembered(place: Place) -> None:
    place.store.outages.add(1)
    one, other = Recorder(), Recorder()
    place.registry.add(ANN, one)
    await turns_until(lambda: place.store.outages.met, what="a write that failed")
    for number in range(1_000):
        key = f"default:u{number}".encode()
        place.registry.add(key, other)
        place.registry.remove(key, other)
    assert place.keeper._changed == {ANN}
    await place.until_online(ANNS)


async def test_who_goes_while_it_is_written_is_written_next(place: Place) -> None:
    one = Recorder()
    renew = place.store.renew

    async def renewed(users: Collection[str]) -> None:
        await renew(users)
        place.registry.remove(ANN, one)

    place.store.renew = renewed  # type: ignore[method-assign]
    place.registry.add(ANN, one)
    await turns_until(lambda: place.store.rows.get(ANNS) == set() and not place.keeper._changed, what="gone again")


async def test_what_lasts_is_said_again() -> None:
    """A lease that was lost comes back with it."""
    place = Place(renew_seconds=0.001)
    running = asyncio.create_task(place.keeper.run())
    place.registry.add(ANN, Recorder())
    place.registry.add(BOB, Recorder())
    await place.until_online(ANNS, BOBS)
    place.store.end_leases()
    await place.until_online(ANNS, BOBS)
    running.cancel()


async def test_a_process_that_ends_takes_all_of_its_users_with_it(place: Place) -> None:
    place.registry.add(ANN, Recorder())
    place.registry.add(BOB, Recorder())
    await place.until_online(ANNS, BOBS)
    await place.keeper.leave()
    assert await place.online() == set()


async def test_it_does_not_wait_for_a_mongodb_that_does_not_answer(place: Place) -> None:
    place.registry.add(ANN, Recorder())
    await place.until_online(ANNS)
    place.store.outages.add(1)
    await place.keeper.leave()
    assert await place.online() == {ANNS}, "until its lease ends"


async def test_sockets_say_it() -> None:
    gateway = LiveGateway()
    seen: list[tuple[bytes, bool]] = []
    gateway.registry.changed = lambda key: seen.append((key, key in gateway.registry))
    async with gateway.socket("ann"), gateway.socket("ann"):
        await turns_until(lambda: ANN in gateway.registry, what="a connection")
        await turns()
    assert seen == [(ANN, True), (ANN, False)]
