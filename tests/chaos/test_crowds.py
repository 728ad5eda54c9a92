"""Many clients and a gateway that is killed again and again: each one's stream is its inbox. And all come back at once."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256

import pytest

from shared.kafka.producer import Publisher
from shared.model import ids, inbox
from shared.model.inbox import Change, InboxEvent, InboxItem
from shared.model.outputs import Output
from shared.mongo import inbox_rows
from shared.mongo.database import Database
from shared.process.clock import now_ms
from tests.chaos.crowds import Crowds, crowds
from tests.support.env import Harness
from tests.support.wait import until

LONG = bool(os.environ.get("CARILLON_CHAOS_LONG"))
CLIENTS, ITEMS = (2_000, 500) if LONG else (200, 60)
KILLS = 3
"""At the least; in the long run it is killed for a minute at the least, and until all is written."""
LIVES_SECONDS, MINUTE = 2.0, 60.0
"""Each lives so long in the long run, once half of the clients are back: on a busy machine they need some seconds."""
AHEAD = 200
"""Items that nobody may be behind: with more than 300 a client is told to read its inbox anew."""
BACK_SECONDS = 60
"""Within which all that have lost their sockets together are back."""
OPERATIONS_EACH = 16
"""Of MongoDB, for a client that comes back: what a snapshot takes, and its presence."""
CONNECTIONS = 150
"""Of MongoDB: a pool of one process, and ours."""


class Writer:
    """What the in_app worker does: rows, then their announcements; every third is announced twice."""

    def __init__(self, harness: Harness, database: Database, publisher: Publisher, users: list[str]) -> None:
        self._topic = harness.names.topics.inbox
        self._rows = database.inbox
        self._publisher = publisher
        self._users = users
        self.written = 0

    async def write(self) -> None:
        """One item for everybody."""
        number, at = self.written, now_ms()
        items = {
            user: InboxItem(id=ids.derive("crowd", user, number), workflow="w", offset=number, created_at=at)
            for user in self._users
        }
        rows = [
            inbox_rows.to_row(item, delivery=f"{user}:{number}", tenant="default", user=user)
            for user, item in items.items()
        ]
        await self._rows.insert_many(rows, ordered=False)
        outputs = [
            Output(
                self._topic,
                ids.user_key("default", user),
                inbox.encode(InboxEvent(change=Change.CREATED, items=(item,), at=at)),
                [],
            )
            for user, item in items.items()
        ]
        await self._publisher.publish(outputs * (2 if number % 3 == 0 else 1))
        self.written += 1

    async def write_all(self, crowd: Crowds) -> None:
        """As fast as the slowest client allows."""
        while self.written < ITEMS:
            await self.write()
            if self.written % 10 == 0:
                await crowd.all_had(self.written - AHEAD)


async def keep_killing(harness: Harness, crowd: Crowds, writing: asyncio.Task[None]) -> int:
    """Kills it as long as there is something to write, each time it has served some; returns how often."""
    gateway, kills, lives, begun = harness.services["gateway"], 0, 0, time.monotonic()
    while kills < KILLS or (LONG and (not writing.done() or time.monotonic() - begun < MINUTE)):
        await gateway.ready(120)

        async def half(lives: int = lives) -> bool:
            return (await crowd.report()).lives - lives >= CLIENTS // 2

        await until(half, what="half are back", timeout=120)
        if LONG:
            await asyncio.sleep(LIVES_SECONDS)
        await asyncio.to_thread(gateway.kill)
        gateway.spawn()
        kills, found = kills + 1, await crowd.report()
        lives = found.lives
        if LONG:
            so_far = f"{time.monotonic() - begun:.0f} s: {kills} kills, {lives} returns, {found.least} of {ITEMS}"
            print(so_far, flush=True)  # noqa: T201  # as below
    await gateway.ready(120)
    return kills


@asynccontextmanager
async def counted(database: Database, what: str) -> AsyncIterator[None]:
    """What MongoDB did meanwhile, and with how many connections at once: no stampede."""

    async def status() -> tuple[int, int]:
        found = await database.client.admin.command("serverStatus")
        done = sum(found["opcounters"][kind] for kind in ("query", "command", "update", "insert", "getmore"))
        return done, found["connections"]["current"]

    most = [0]

    async def watch() -> None:
        while True:
            most.append((await status())[1])
            await asyncio.sleep(0.1)

    begun, (before, _) = time.monotonic(), await status()
    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
    done = (await status())[0] - before
    seconds = time.monotonic() - begun
    figures = f"{seconds:.1f} s, {done / CLIENTS:.1f} operations each, {max(most)} connections at most"
    print(f"{what}: {CLIENTS} back in {figures}")  # noqa: T201  # for whoever reads the log
    assert done < CLIENTS * OPERATIONS_EACH + 20 * seconds * 4
    assert max(most) < CONNECTIONS


@pytest.mark.timeout(1800 if LONG else 300)
async def test_every_stream_is_its_inbox_and_all_come_back_at_once(harness: Harness):
    users = [f"u{number}" for number in range(CLIENTS)]
    await harness.start("gateway")
    gateway = harness.services["gateway"]
    publisher = Publisher(harness.names.brokers.kafka, client_id="test")
    await publisher.start()
    tokens = {user: harness.token(user, ttl=7_200) for user in users}
    try:
        async with harness.database() as database, crowds(harness.ports["sockets"], tokens) as crowd:
            await crowd.all_live()
            writer = Writer(harness, database, publisher, users)
            async with asyncio.TaskGroup() as group:
                kills = await keep_killing(harness, crowd, group.create_task(writer.write_all(crowd)))
            await crowd.all_had(ITEMS)
            await crowd.all_live()
            async with counted(database, "killed"):
                await asyncio.to_thread(gateway.kill)
                gateway.spawn()
                await back(crowd)
            async with counted(database, "drained"):
                assert await asyncio.to_thread(gateway.terminate) == 0
                gateway.spawn()
                await back(crowd)
            await writer.write()
            await crowd.all_had(ITEMS + 1)
            found = await crowd.report(streams=True)
            print(f"{kills} kills, {found.lives} returns, codes {found.codes}, {CLIENTS * writer.written} items")  # noqa: T201  # figures
            assert found.resets == 0
            assert found.codes[1012] >= CLIENTS
            assert found.streams == await inboxes(database)
    finally:
        await publisher.stop()


async def back(crowd: Crowds) -> None:
    """All of them, who have lost their sockets together."""

    async def fewer() -> bool:
        return (await crowd.report()).live < CLIENTS

    await until(fewer, what="sockets lost")
    await crowd.all_live(BACK_SECONDS)


async def inboxes(database: Database) -> dict[str, tuple[int, str]]:
    """As a client has to have been told of each: how many items, and a digest of their ids in order."""
    found: dict[str, list[str]] = {}
    async for row in database.inbox.find({}, {"user": 1, "notification": 1}).sort([("user", 1), ("offset", 1)]):
        found.setdefault(row["user"], []).append(row["notification"])
    return {user: (len(told), sha256("".join(told).encode()).hexdigest()) for user, told in found.items()}
