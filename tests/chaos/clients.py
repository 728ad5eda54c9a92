"""Users' clients on the gateway's sockets: they come back with their cursor for as long as the run goes."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.chaos.tables import Frame
from tests.support.env import Harness
from tests.support.wait import until

MARK = re.compile(r"A-\d+-\d")


class Clients:
    """One client for each of some users, and what each was sent, in order."""

    def __init__(self, harness: Harness) -> None:
        self._url = f"ws://127.0.0.1:{harness.ports['sockets']}"
        self._harness = harness
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.frames: list[Frame] = []
        self.live: set[str] = set()
        """`tenant:user` of those who were greeted, and not told since to read their inbox anew."""
        self.greetings = 0

    async def connect(self, *users: str) -> None:
        """A client for each `tenant:user`; returns when all are live."""
        self._tasks |= {user: asyncio.create_task(self._stay(user)) for user in users}

        async def greeted() -> bool:
            return self.live >= set(users)

        await until(greeted, what="every client greeted")

    async def close(self) -> None:
        """Everybody goes. Raises what a client failed with."""
        for task in self._tasks.values():
            task.cancel()
        for task in self._tasks.values():
            with suppress(asyncio.CancelledError):
                await task

    async def _stay(self, user: str) -> None:
        tenant, _, name = user.partition(":")
        cursor: str | None = None
        while True:
            with suppress(OSError, TimeoutError, WebSocketException):
                async with connect(self._url, open_timeout=5) as socket:
                    token = self._harness.token(name, tenant)
                    await socket.send(json.dumps({"type": "auth", "token": token, "cursor": cursor}))
                    async for text in socket:
                        message = json.loads(text)
                        cursor = message.get("cursor", cursor)
                        self._take(user, message)
            await asyncio.sleep(0.1)

    def _take(self, user: str, message: dict) -> None:
        if message["type"] == "hello":
            self.live.add(user)
            self.greetings += 1
        elif message["type"] == "reset":
            self.live.discard(user)
        elif message["type"] == "notification":
            item = message["item"]
            marks = frozenset(MARK.findall(json.dumps(item)))
            self.frames.append(
                Frame(client=user, owner=user, notification=item["id"], marks=marks, offset=item["offset"])
            )
