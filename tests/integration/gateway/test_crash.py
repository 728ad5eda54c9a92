"""kill -9 of the gateway under its clients: each one's stream has no gap and no repeat."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from functools import partial

from websockets.asyncio.client import connect

from carillon import Hello, InboxSocket, Notified
from shared.kafka.producer import Publisher
from shared.model import ids, inbox
from shared.model.inbox import Change, InboxEvent, InboxItem
from shared.model.outputs import Output
from shared.mongo import inbox_rows
from shared.process.clock import now_ms
from tests.support.env import Harness

CLIENTS = 20
ROWS = 200
KILLS = 3


@dataclass
class Listener:
    """A user's client, and what it was told."""

    user: str
    inbox: InboxSocket
    offsets: list[int] = field(default_factory=list)
    greetings: int = 0

    async def listen(self) -> None:
        async with self.inbox:
            async for event in self.inbox:
                self.greetings += isinstance(event, Hello)
                if isinstance(event, Notified):
                    self.offsets.append(event.item.offset)
                if len(self.offsets) >= ROWS:
                    return


async def write(harness: Harness, publisher: Publisher, users: list[str], offset: int) -> None:
    """Every third announcement is written twice, as by a worker that died before it committed."""
    items = {
        user: InboxItem(id=ids.derive("test", user, offset), workflow="w", offset=offset, created_at=now_ms())
        for user in users
    }
    rows = [
        inbox_rows.to_row(item, delivery=f"{user}:{offset}", tenant="default", user=user)
        for user, item in items.items()
    ]
    async with harness.database() as database:
        await database.inbox.insert_many(rows)
    outputs = [
        Output(
            harness.names.topics.inbox,
            ids.user_key("default", user),
            inbox.encode(InboxEvent(change=Change.CREATED, items=(item,), at=now_ms())),
            [],
        )
        for user, item in items.items()
    ]
    await publisher.publish(outputs * (2 if offset % 3 == 0 else 1))


async def test_every_client_gets_everything_once_through_kills(harness: Harness):
    await harness.start("gateway")
    gateway = harness.services["gateway"]
    publisher = Publisher(harness.names.brokers.kafka, client_id="test")
    await publisher.start()
    url = f"ws://127.0.0.1:{harness.ports['sockets']}"
    tokens = {f"u{n}": harness.token(f"u{n}") for n in range(CLIENTS)}
    listeners = [Listener(user, InboxSocket(url, partial(str, token), max_wait=0.2)) for user, token in tokens.items()]
    listening = [asyncio.create_task(one.listen()) for one in listeners]

    try:
        for offset in range(ROWS):
            await write(harness, publisher, list(tokens), offset)
            if offset % (ROWS // (KILLS + 1)) == ROWS // (KILLS + 1) - 1 and offset < ROWS - 10:
                async with asyncio.timeout(60):
                    while not all(one.offsets for one in listeners):  # noqa: ASYNC110  # twenty lists, no event
                        await asyncio.sleep(0.01)
                await asyncio.to_thread(gateway.kill)
                gateway.spawn()
        async with asyncio.timeout(90):
            await asyncio.gather(*listening)
    finally:
        for task in listening:
            task.cancel()
        await publisher.stop()
    assert all(one.offsets == list(range(ROWS)) for one in listeners)
    assert sum(one.greetings - 1 for one in listeners) >= CLIENTS  # the kills were felt, and mended by cursor


async def test_commands_are_done_through_kills(harness: Harness):
    """Given while the gateway is alive, dying or gone: each is acknowledged, each is in the inbox."""
    await harness.start("gateway")
    gateway = harness.services["gateway"]
    publisher = Publisher(harness.names.brokers.kafka, client_id="test")
    await publisher.start()
    token = harness.token("ann")
    items = [ids.derive("test", "ann", offset) for offset in range(8)]
    try:
        for offset in range(8):
            await write(harness, publisher, ["ann"], offset)
    finally:
        await publisher.stop()
    url = f"ws://127.0.0.1:{harness.ports['sockets']}"
    async with asyncio.timeout(100), InboxSocket(url, lambda: token, max_wait=0.2, patience=60) as inbox:
        await anext(event async for event in inbox if isinstance(event, Hello))
        asked = []
        for first in (0, 4):
            asked += [asyncio.ensure_future(inbox.read([item])) for item in items[first : first + 4]]
            await asyncio.to_thread(gateway.kill)
            gateway.spawn()
            await anext(event async for event in inbox if isinstance(event, Hello))
        assert await asyncio.gather(*asked) == [1] * 8
        assert await inbox.read_all() == 0
    async with harness.database() as database:
        assert await database.inbox.count_documents({"user": "ann", "read_at": None}) == 0
        assert await database.inbox.count_documents({"user": "ann"}) == 8


async def test_sigterm_ends_it_cleanly_with_clients_connected(harness: Harness):
    await harness.start("gateway")
    async with connect(f"ws://127.0.0.1:{harness.ports['sockets']}") as opened:
        await opened.send(json.dumps({"type": "auth", "token": harness.token("ann")}))
        assert [json.loads(await opened.recv())["type"] for _ in range(2)] == ["hello", "live"]
        ending = asyncio.create_task(asyncio.to_thread(harness.services["gateway"].terminate))
        assert json.loads(await opened.recv())["type"] == "reconnect"
        await opened.wait_closed()
        assert opened.close_code == 1012
    assert await ending == 0
