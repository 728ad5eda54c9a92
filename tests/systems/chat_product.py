"""A chat product on Carillon, as its own backend, clients and mailboxes see it: through public interfaces only."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import aiohttp
import jwt
from websockets.asyncio.client import ClientConnection, connect

API = "/api/v1/notifications"
TYPES = {"new_message", "room_invitation", "friend_request", "friend_request_accepted"}
PATIENCE = 60


@dataclass(frozen=True, kw_only=True)
class Chat:
    """A chat product on Carillon: its backend, its users' clients and their mailboxes."""

    stack: dict[str, Any]
    http: aiohttp.ClientSession

    async def join(self, name: str) -> str:
        """A new user with an e-mail address; returns the id."""
        user = f"{name}-{uuid4().hex[:12]}"
        profile = {"addresses": {"email": mailbox(user)}, "name": name, "locale": "en", "zone": "UTC"}
        async with self.http.put(self._url("ingest", f"/v1/users/{user}"), json=profile, headers=self._key) as answer:
            assert answer.status == 200, await answer.text()
        return user

    async def happen(self, event_type: str, data: dict[str, Any]) -> None:
        """The backend says what happened, as a CloudEvent."""
        event = {
            "specversion": "1.0",
            "id": str(uuid4()),
            "source": "/chat",
            "type": f"com.example.chat.{event_type}",
            "data": data,
        }
        headers = self._key | {"content-type": "application/cloudevents+json"}
        body = json.dumps(event)
        async with self.http.post(self._url("ingest", "/v1/events"), data=body, headers=headers) as answer:
            assert answer.status == 202, await answer.text()

    async def message(self, sender: str, *recipients: str, text: str = "Hello, how are you?") -> str:
        """A message in a room; returns its id."""
        message_id = str(uuid4())
        await self.happen(
            "message.created",
            {
                "message_id": message_id,
                "room_id": str(uuid4()),
                "sender_id": sender,
                "sender_username": "john_doe",
                "recipient_ids": [*recipients, sender],
                "message_preview": text,
            },
        )
        return message_id

    async def call(self, method: str, path: str, user: str, **options: Any) -> tuple[int, Any]:
        """The client's call with the user's token."""
        headers = {"authorization": f"Bearer {self.token(user)}"}
        async with self.http.request(method, self._url("gateway", API + path), headers=headers, **options) as answer:
            return answer.status, await answer.json(content_type=None)

    async def inbox(self, user: str, count: int, query: str = "") -> list[dict[str, Any]]:
        """The user's list once it holds so many."""

        async def enough() -> list[dict[str, Any]] | None:
            status, page = await self.call("GET", query, user)
            assert status == 200, page
            return page["notifications"] if page["total"] >= count else None

        return await eventually(enough)

    async def mails(self, user: str) -> list[dict[str, Any]]:
        """What is in the user's mailbox."""
        url = self._url("sink", "/messages")
        async with self.http.get(url, params={"kind": "email", "to": mailbox(user)}) as answer:
            return (await answer.json())["messages"]

    async def mail(self, user: str, count: int = 1) -> list[dict[str, Any]]:
        """The user's e-mails once there are so many."""

        async def enough() -> list[dict[str, Any]] | None:
            found = await self.mails(user)
            return found if len(found) >= count else None

        return await eventually(enough)

    @asynccontextmanager
    async def socket(self, user: str) -> AsyncIterator[ClientConnection]:
        """The user's client, greeted."""
        async with connect(self.stack["urls"]["sockets"]) as opened:
            await opened.send(json.dumps({"type": "auth", "token": self.token(user)}))
            assert (await heard(opened))["type"] == "hello"
            yield opened

    def token(self, user: str, *, ttl: int = 600) -> str:
        now = int(time.time())  # noqa: TID251  # a JWT's clock
        return jwt.encode({"sub": user, "iat": now, "exp": now + ttl}, self.stack["token_secret"], algorithm="HS256")

    @property
    def _key(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.stack['api_key']}"}

    def _url(self, service: str, path: str) -> str:
        return self.stack["urls"][service] + path


def mailbox(user: str) -> str:
    return f"{user}@chat.example"


async def heard(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        return json.loads(await socket.recv())


async def eventually(find: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(PATIENCE):
        while not (found := await find()):  # noqa: ASYNC110  # asked over HTTP: nobody could set an event
            await asyncio.sleep(0.05)
        return found
