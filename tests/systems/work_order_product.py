"""A product of technicians and an office on Carillon, and its pages' sockets: through public interfaces only."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import aiohttp
import jwt
from websockets.asyncio.client import ClientConnection, connect

from carillon import AsyncClient, ProblemError
from carillon.integrations.workorders import WorkOrderInbox, WorkOrderNotifications
from tests.systems.chat_product import API, PATIENCE, eventually

UPDATE = "dashboard.notification.update"


class Page:
    """A page's socket, by the document's frames: what it has shown, and the count of its badge."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.frames: list[dict[str, Any]] = []
        self.notifications: list[dict[str, Any]] = []
        self.unread_count = -1
        self.cursor = ""

    async def until(self, condition: Callable[[], object]) -> None:
        """Takes what comes until it holds."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._take(json.loads(await self.socket.recv()))

    def _take(self, frame: dict[str, Any]) -> None:
        self.cursor = frame.get("cursor", self.cursor)
        if frame["type"] != UPDATE:
            return
        self.frames.append(frame)
        if "notification" in frame["data"]:
            self.notifications.append(frame["data"]["notification"])
        self.unread_count = frame["data"]["unread_count"]

    async def says(self, message: str) -> None:
        """Takes what comes until this was among it."""
        await self.until(lambda: message in {each["message"] for each in self.notifications})

    async def counts(self, unread: int) -> None:
        """Takes what comes until the badge says so many."""
        await self.until(lambda: self.unread_count == unread)

    def of(self, work_order: str) -> list[dict[str, Any]]:
        """What it shows of one work order, by priority."""
        found = [each for each in self.notifications if (each["metadata"] or {}).get("work_order_id") == work_order]
        return sorted(found, key=lambda each: each["priority"])

    async def shows(self, count: int) -> list[dict[str, Any]]:
        """So many, in the order of their type."""
        await self.until(lambda: len(self.notifications) >= count)
        return sorted(self.notifications, key=lambda each: (each["priority"], each["type"]))


@dataclass(frozen=True, kw_only=True)
class Works:
    """The product's backend, its people and their pages."""

    stack: dict[str, Any]
    http: aiohttp.ClientSession
    carillon: AsyncClient
    orders: WorkOrderNotifications

    async def person(self, name: str) -> str:
        """A new user, whose only channel is the app."""
        user = f"{name}-{uuid4().hex[:12]}"
        await self.carillon.put_user(user, {"name": name, "locale": "en", "zone": "UTC"})
        return user

    async def office(self) -> str:
        """A new user in the office."""
        user = await self.person("olga")
        await self.orders.join_office(user)
        return user

    async def technician(self, work_order_id: str | int) -> str:
        """A new technician on a work order."""
        user = await self.person("tom")
        await self.orders.assign(work_order_id, user)
        return user

    async def started(self, event: str) -> set[str]:
        """The workflows that an event has started, once it is expanded."""

        async def expanded() -> set[str] | None:
            try:
                report = await self.carillon.event(event)
            except ProblemError as problem:
                if problem.status != 404:
                    raise
                return None
            return {each["workflow"] for each in report["fanouts"]}

        return await eventually(expanded)

    def token(self, user: str) -> str:
        now = int(time.time())  # noqa: TID251  # a JWT's clock
        return jwt.encode({"sub": user, "iat": now, "exp": now + 600}, self.stack["token_secret"], algorithm="HS256")

    @asynccontextmanager
    async def inbox(self, user: str) -> AsyncIterator[WorkOrderInbox]:
        async with WorkOrderInbox(self.stack["urls"]["gateway"], self.token(user)) as inbox:
            yield inbox

    @asynccontextmanager
    async def page(self, user: str, cursor: str = "") -> AsyncIterator[Page]:
        """A page of the user's: it gets a ticket, connects to `/ws`, and has its first frame."""
        headers = {"authorization": f"Bearer {self.token(user)}"}
        async with self.http.post(f"{self.stack['urls']['gateway']}{API}/tickets", headers=headers) as answer:
            ticket = (await answer.json())["ticket"]
        url = f"{self.stack['urls']['sockets']}/ws?ticket={ticket}&cursor={cursor}"
        async with connect(url.removesuffix("&cursor=")) as socket:
            page = Page(socket)
            await page.until(lambda: page.frames)
            yield page


def order() -> str:
    """A new work order's id."""
    return uuid4().hex[:8]
