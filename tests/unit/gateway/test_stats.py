"""Who is connected, as an operator asks, and how a process says what it has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from services.gateway.live import counting
from services.gateway.live.counting import SocketCounting
from services.gateway.live.registry import Registry
from services.gateway.stats_api import ANSWER_SECONDS, stats_routes
from shared.http.problems import install_problems
from shared.mongo.api_keys import Scope
from tests.support.asgi import AsgiAnswer, ask_app
from tests.support.twins.api_keys import MemoryApiKeys
from tests.support.twins.socket_leases import MemorySocketLeases
from tests.support.wait import turns, turns_until
from tests.unit.gateway.test_registry import ANN, BOB, Recorder

ROWS = {("1", "acme"): 5, ("2", "acme"): 3, ("1", "other"): 40}
USERS = {"acme:ann", "acme:bob", "other:ann"}


class Stats:
    def __init__(self) -> None:
        self.now = 0.0
        self.keys = MemoryApiKeys()
        self.store = MemorySocketLeases(rows=dict(ROWS), users=set(USERS))
        self.app = FastAPI()
        install_problems(self.app, repeat_status_as="status_code")
        self.app.include_router(stats_routes(self.keys.principal, self.store, lambda: self.now))

    async def ask(self, tenant: str, *scopes: Scope) -> AsgiAnswer:
        key = await self.keys.create(tenant=tenant, scopes=frozenset(scopes))
        return await ask_app(self.app, "GET", "/stats", headers={"authorization": f"Bearer {key}"})


async def test_an_operator_is_told_of_the_keys_tenant() -> None:
    stats = Stats()
    answer = await stats.ask("acme", Scope.OPERATE)
    found = answer.json()
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    assert found.pop("timestamp").endswith("Z")
    assert found == {"tenant": "acme", "online_users": 2, "sockets": 8, "gateways": 2}
    assert (await stats.ask("other", Scope.OPERATE)).json()["sockets"] == 40
    assert (await stats.ask("third", Scope.OPERATE)).json()["sockets"] == 0


async def test_nobody_else_is() -> None:
    stats = Stats()
    assert (await stats.ask("acme", Scope.SEND, Scope.ADMIN)).status == 403
    for headers in ({}, {"authorization": "Bearer ck_x"}, {"authorization": "Basic x"}):
        answer = await ask_app(stats.app, "GET", "/stats", headers=headers)
        assert (answer.status, answer.json()["code"]) == (401, "unauthorized")
    assert stats.store.asked == 0


async def test_who_polls_faster_is_told_the_same() -> None:
    stats = Stats()
    first = await asyncio.gather(*(stats.ask("acme", Scope.OPERATE) for _ in range(9)))
    assert {answer.json()["sockets"] for answer in first} == {8}
    assert stats.store.asked == 1
    stats.store.rows["3", "acme"] = 1
    assert (await stats.ask("acme", Scope.OPERATE)).json()["sockets"] == 8
    stats.now += ANSWER_SECONDS
    assert (await stats.ask("acme", Scope.OPERATE)).json()["sockets"] == 9


class Place:
    """A registry that is counted all the time."""

    def __init__(self, renew_seconds: float = 3600) -> None:
        self.registry = Registry()
        self.store = MemorySocketLeases("here")
        self.counting = SocketCounting(self.store, self.registry, count_seconds=0, renew_seconds=renew_seconds)

    async def until(self, **sockets: int) -> None:
        def said() -> bool:
            return {name: count for (_, name), count in self.store.rows.items() if count} == sockets

        await turns_until(said, what=f"{sockets}, of {self.store.rows}")


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    made = Place()
    running = asyncio.create_task(made.counting.run())
    yield made
    running.cancel()
    await asyncio.wait({running})


async def test_what_has_changed_is_said(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MAX_AT_ONCE", 1)
    one, other, third = Recorder(), Recorder(), Recorder()
    place.registry.add(ANN, one)
    place.registry.add(ANN, other)
    place.registry.add(BOB, third)
    place.registry.add(b"acme:eve", third)
    await place.until(default=3, acme=1)
    said = len(place.store.calls)
    await turns()
    assert len(place.store.calls) == said, "nothing has changed"
    place.registry.remove(ANN, one)
    place.registry.remove(b"acme:eve", third)
    await place.until(default=2)
    await turns()
    assert place.store.calls[-1] in ({"default": 2, "acme": 0}, {"acme": 0})
    place.store.outages.add(2)
    place.registry.remove(ANN, other)
    await place.until(default=1)


async def test_what_lasts_is_said_again_and_an_end_takes_all_of_it_back() -> None:
    place = Place(renew_seconds=0)
    running = asyncio.create_task(place.counting.run())
    place.registry.add(ANN, Recorder())
    await place.until(default=1)
    place.store.rows.clear()
    await place.until(default=1)
    running.cancel()
    await asyncio.wait({running})
    await place.counting.leave()
    assert place.store.rows == {}
    place.store.outages.add()
    await place.counting.leave()
