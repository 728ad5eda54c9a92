"""Clients from npm, in processes of their own: socket.io-client in its default configuration, and ws."""

from __future__ import annotations

import asyncio
import json
from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from shared.model.inbox import InboxItem
from shared.model.numbers import number_of
from tests.integration.gateway.dialects.clients import DialectClient, Ending
from tests.integration.gateway.stage import GatewayStage, token

DRIVERS = Path(__file__).parents[4] / "web" / "tests" / "drivers"
MAX_LINE_BYTES = 1 << 24
LOCAL = "http://127.0.0.1"


@dataclass
class NodeClient(DialectClient):
    """What both have in common: lines of JSON, both ways."""

    process: asyncio.subprocess.Process | None = None

    @classmethod
    @asynccontextmanager
    async def driven(cls, driver: str, **arguments: Any) -> AsyncIterator[NodeClient]:
        assert (DRIVERS.parents[1] / "node_modules").is_dir(), "the packages from npm are missing: make web"
        process = await asyncio.create_subprocess_exec(
            "node",
            str(DRIVERS / driver),
            json.dumps(arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=MAX_LINE_BYTES,
        )
        client = cls(process=process)
        following = asyncio.create_task(client.follow())
        try:
            yield client
        finally:
            following.cancel()
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def follow(self) -> None:
        while line := await self.process.stdout.readline():
            self.take(json.loads(line))
            self.changed.set()

    @abstractmethod
    def take(self, message: dict) -> None:
        """One message."""

    def tell(self, **message: object) -> None:
        self.process.stdin.write(json.dumps(message).encode() + b"\n")

    def stop_reading(self) -> None:
        self.tell(pause=True)

    def go_on_reading(self) -> None:
        self.tell(pause=False)


@dataclass
class NodeWebSocketClient(NodeClient):
    """Of `carillon.v1`, by ws."""

    def take(self, message: dict) -> None:
        self.cursor = message.get("cursor", self.cursor)
        match message["type"]:
            case "hello":
                self.welcomed = True
            case "notification":
                self.shown.append(message["item"]["id"])
            case "state":
                self.read |= {one["id"] for one in message["items"] if one.get("read_at")}
            case "closed":
                self.ending = Ending.STAYS_AWAY if message["code"] >= 4400 else Ending.COMES_BACK

    async def mark_read(self, item: InboxItem) -> None:
        self.tell(send={"type": "read", "ids": [item.id]})

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, stage: GatewayStage, user: str, cursor: str | None = None, *, credential: str | None = None
    ) -> AsyncIterator[DialectClient]:
        url = f"{stage.socket_url}/?cursor={cursor}" if cursor else stage.socket_url
        offered = ["carillon.v1", f"bearer.{credential or token(user)}"]
        async with cls.driven("ws.mjs", url=url, protocols=offered) as client:
            yield client


@dataclass
class SocketIoClient(NodeClient):
    """A facilitator's page, by socket.io-client: polling, then upgraded."""

    options: ClassVar[dict[str, object]] = {}
    events: list[tuple[str, dict]] = field(default_factory=list)

    def name(self, item: InboxItem) -> object:
        return number_of(item.id)

    def take(self, message: dict) -> None:
        name, data = message["event"], message["data"]
        self.events.append((name, data))
        self.cursor = data.get("cursor", self.cursor)
        match name:
            case "facilitator_auth_success":
                self.welcomed = True
            case "new_booking_notification" | "new_notification":
                self.shown.append(data["notification_id"])
            case "notification_marked_read":
                self.read.add(data["notification_id"])
            case "disconnect":
                self.ending = Ending.COMES_BACK if data["active"] else Ending.STAYS_AWAY

    def heard(self, name: str) -> list[dict]:
        return [data for each, data in self.events if each == name]

    async def mark_read(self, item: InboxItem) -> None:
        self.tell(emit=["mark_notification_read", {"facilitator_id": 2, "notification_id": number_of(item.id)}])

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, stage: GatewayStage, user: str, cursor: str | None = None, *, credential: str | None = None
    ) -> AsyncIterator[DialectClient]:
        async with cls.driven("socketio.mjs", url=f"{LOCAL}:{stage.socketio_port}", options=cls.options) as client:
            await client.until(lambda: client.heard("connection_response"), "connected")
            data = {"facilitator_id": user, "token": credential or token(user), "cursor": cursor}
            client.tell(emit=["facilitator_connect", data])
            yield client


@dataclass
class SocketIoWebSocketClient(SocketIoClient):
    """The same without polling, as several instances without sticky sessions need it."""

    options: ClassVar[dict[str, object]] = {"transports": ["websocket"]}
