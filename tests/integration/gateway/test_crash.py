"""kill -9 of the gateway under its clients: each one's stream has no gap and no repeat."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, WebSocketException

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
    """Comes back with his cursor for as long as it takes."""

    user: str
    token: str
    url: str
    offsets: list[int] = field(default_factory=list)
    cursor: str | None = None
    resumed: int = 0

    async def listen(self) -> None:
        while len(self.offsets) < ROWS:
            with suppress(OSError, WebSocketException, InvalidHandshake, TimeoutError):
                async with asyncio.timeout(20), connect(self.url) as opened:
                    await opened.send(json.dumps({"type": "auth", "token": self.token, "cursor": self.cursor}))
                    async for raw in opened:
                        self._take(json.loads(raw))
                        if len(self.offsets) >= ROWS:
                            return
            await asyncio.sleep(0.05)

    def _take(self, told: dict) -> None:
        if told["type"] == "hello" and self.cursor is not None:
            self.resumed += 1
        self.cursor = told.get("cursor", self.cursor)
        if told["type"] == "notification":
            self.offsets.append(told["item"]["offset"])


async def test_every_client_gets_everything_once_through_kills(harness: Harness):
    await harness.start("gateway")
    gateway = harness.services["gateway"]
    publisher = Publisher(harness.names.brokers.kafka, client_id="test")
    await publisher.start()
    url = f"ws://127.0.0.1:{harness.ports['sockets']}"
    listeners = [Listener(f"u{n}", harness.token(f"u{n}"), url) for n in range(CLIENTS)]
    listening = [asyncio.create_task(one.listen()) for one in listeners]

    async def write(offset: int) -> None:
        """Every third announcement is written twice, as by a worker that died before it committed."""
        items = {
            one.user: InboxItem(
                id=ids.derive("test", one.user, offset), workflow="w", offset=offset, created_at=now_ms()
            )
            for one in listeners
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

    try:
        for offset in range(ROWS):
            await write(offset)
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
    assert sum(one.resumed for one in listeners) >= CLIENTS  # the kills were felt, and mended by cursor


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
