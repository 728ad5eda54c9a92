"""A client of each dialect, as the contract suite sees it: what it shows, what it has as read, how it ended."""

from __future__ import annotations

import asyncio
import json
import socket
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from shared.model.inbox import InboxItem
from tests.integration.gateway.stage import GatewayStage, token

WAIT_SECONDS = 30


class Ending(StrEnum):
    """What a client does after it was sent away."""

    COMES_BACK = "comes back"
    STAYS_AWAY = "stays away"


@dataclass
class DialectClient(ABC):
    """A page: it shows what comes, and keeps the last cursor that it was told."""

    shown: list[object] = field(default_factory=list)
    read: set[object] = field(default_factory=set)
    cursor: str | None = None
    welcomed: bool = False
    ending: Ending | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def name(self, item: InboxItem) -> object:
        """What the dialect calls an item."""
        return item.id

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Waits for what it is told."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not condition():
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            raise AssertionError(f"not within {WAIT_SECONDS} s: {what}; shown {len(self.shown)}") from None

    @abstractmethod
    async def mark_read(self, item: InboxItem) -> None:
        """Asks for it; what came of it is told."""

    @abstractmethod
    def stop_reading(self) -> None:
        """What comes stays where it is, from now on."""

    @abstractmethod
    def go_on_reading(self) -> None:
        """All of it is taken again."""


@dataclass
class WebSocketClient(DialectClient):
    """Of `carillon.v1`."""

    protocol: ClassVar[str] = "carillon.v1"
    socket: ClientConnection | None = None

    def take(self, message: dict) -> None:
        """One message."""
        if message["type"] == "hello":
            self.welcomed = True
        if message["type"] == "notification":
            self.shown.append(message["item"]["id"])
        if message["type"] == "state":
            self.read |= {one["id"] for one in message["items"] if one.get("read_at")}

    async def mark_read(self, item: InboxItem) -> None:
        await self.socket.send(json.dumps({"type": "read", "ids": [item.id]}))

    def stop_reading(self) -> None:
        self.socket.transport.pause_reading()

    def go_on_reading(self) -> None:
        self.socket.transport.resume_reading()

    async def follow(self) -> None:
        """Takes what comes until the end."""
        with suppress(Exception):
            while True:
                message = json.loads(await self.socket.recv())
                self.cursor = message.get("cursor", self.cursor)
                self.take(message)
                self.changed.set()
        code = self.socket.close_code
        self.ending = Ending.STAYS_AWAY if code is not None and code >= 4400 else Ending.COMES_BACK
        self.changed.set()

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, stage: GatewayStage, user: str, cursor: str | None = None, *, credential: str | None = None
    ) -> AsyncIterator[DialectClient]:
        """A client of `user` for as long as it is wanted; its buffers are small."""
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        raw.connect(("127.0.0.1", stage.settings.socket_port))
        offered = [Subprotocol(cls.protocol), Subprotocol(f"bearer.{credential or token(user)}")]
        url = f"{stage.socket_url}/?cursor={cursor}" if cursor else stage.socket_url
        async with connect(url, subprotocols=offered, sock=raw, max_queue=1) as opened:
            assert opened.subprotocol == cls.protocol
            client = cls(socket=opened)
            following = asyncio.create_task(client.follow())
            try:
                yield client
            finally:
                following.cancel()


@dataclass
class DashboardClient(WebSocketClient):
    """Of `dashboard.v1`."""

    protocol: ClassVar[str] = "dashboard.v1"

    def take(self, message: dict) -> None:
        if message["type"] != "dashboard.notification.update":
            return
        self.welcomed = True
        data = message["data"]
        if "notification" in data:
            self.shown.append(data["notification"]["id"])
        self.read |= {one["id"] for one in data.get("changed", ()) if one["read"]}
