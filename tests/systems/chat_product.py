"""A chat product on Carillon, as its own backend, clients and mailboxes see it: through public interfaces only."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import aiohttp
import jwt
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from carillon.integrations.chat import ChatNotifications

API = "/api/v1/notifications"
TYPES = {"new_message", "room_invitation", "friend_request", "friend_request_accepted"}
ENDPOINTS = [
    ("GET", ""),
    ("GET", "/count"),
    ("PUT", "/read-all"),
    ("PUT", "/an-id/read"),
    ("DELETE", "/an-id"),
    ("GET", "/preferences"),
    ("PUT", "/preferences"),
]
WANTED: dict[str, Any] = {
    "push_notifications": True,
    "email_notifications": False,
    "notification_types": {"new_message": True, "room_invitation": True, "friend_request": False},
    "quiet_hours": {"enabled": True, "start_time": "22:00", "end_time": "08:00", "timezone": "UTC"},
}
PATIENCE = 60


@dataclass(frozen=True, kw_only=True)
class Chat:
    """A chat product on Carillon: its backend, its users' clients and their mailboxes."""

    stack: dict[str, Any]
    http: aiohttp.ClientSession
    notifications: ChatNotifications
    """What its backend calls."""
    tenant: str = "default"

    async def join(self, name: str, *, locale: str = "en") -> str:
        """A new user with an e-mail address and a phone; returns the id."""
        user = f"{name}-{uuid4().hex[:12]}"
        profile = {
            "addresses": {"email": mailbox(user)},
            "devices": [{"platform": "fcm", "token": user}],
            "name": name,
            "locale": locale,
            "zone": "UTC",
        }
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

    async def befriend(self, sender: str, recipient: str) -> None:
        """A friend request."""
        data = {"sender_id": sender, "recipient_id": recipient, "sender_username": "john_doe"}
        await self.happen("friend.requested", data)

    async def send(self, workflow: str, user: str, data: dict[str, Any]) -> dict[str, Any]:
        """The backend's call of the notification API; returns the accepted notification."""
        body = {"workflow": workflow, "recipients": [user], "data": data}
        async with self.http.post(self._url("ingest", "/v1/notifications"), json=body, headers=self._key) as answer:
            assert answer.status == 202, await answer.text()
            [accepted] = (await answer.json())["notifications"]
            return accepted

    async def call(self, method: str, path: str, user: str, **options: Any) -> tuple[int, Any]:
        """The client's call with the user's token."""
        return await self.ask(method, path, headers={"authorization": f"Bearer {self.token(user)}"}, **options)

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """A call with whatever token its headers have, or none: status and decoded body."""
        async with self.http.request(method, self._url("gateway", API + path), **options) as answer:
            return answer.status, await answer.json(content_type=None)

    async def health(self) -> tuple[int, Any]:
        """The gateway's health, asked without a token."""
        async with self.http.get(self._url("gateway", API + "/health")) as answer:
            return answer.status, await answer.json()

    async def count(self, user: str, query: str = "") -> int:
        """What the user's inbox counts."""
        status, answer = await self.call("GET", f"/count{query}", user)
        assert (status, set(answer)) == (200, {"count", "unread", "unseen", "as_of"})
        return answer["count"]

    async def inbox(self, user: str, count: int, query: str = "") -> list[dict[str, Any]]:
        """The user's list once it holds so many."""

        async def enough() -> list[dict[str, Any]] | None:
            status, page = await self.call("GET", query, user)
            assert status == 200, page
            return page["notifications"] if page["total"] >= count else None

        return await eventually(enough)

    async def mails(self, user: str) -> list[dict[str, Any]]:
        """What is in the user's mailbox."""
        return await self._received("email", mailbox(user))

    async def pushes(self, user: str) -> list[dict[str, Any]]:
        """What FCM has shown on the user's phone."""
        return await self._received("push", f"fcm:{user}")

    async def mail(self, user: str, count: int = 1) -> list[dict[str, Any]]:
        """The user's e-mails once there are so many."""
        return await _enough(lambda: self.mails(user), count)

    async def push(self, user: str, count: int = 1) -> list[dict[str, Any]]:
        """The same of pushes."""
        return await _enough(lambda: self.pushes(user), count)

    @asynccontextmanager
    async def socket(self, user: str) -> AsyncIterator[ClientConnection]:
        """The user's client, greeted."""
        async with connect(self.stack["urls"]["sockets"]) as opened:
            await opened.send(json.dumps({"type": "auth", "token": self.token(user)}))
            assert (await heard(opened))["type"] == "hello"
            yield opened

    async def turned_away(self, token: str) -> int | None:
        """The code with which a socket that shows this token is closed."""
        async with connect(self.stack["urls"]["sockets"]) as opened:
            await opened.send(json.dumps({"type": "auth", "token": token}))
            with pytest.raises(ConnectionClosed):
                await heard(opened)
            return opened.close_code

    def token(self, user: str, *, ttl: int = 600) -> str:
        now = int(time.time())  # noqa: TID251  # a JWT's clock
        claims = {"sub": user, "tenant": self.tenant, "iat": now, "exp": now + ttl}
        return jwt.encode(claims, self.stack["token_secret"], algorithm="HS256")

    async def _received(self, kind: str, to: str) -> list[dict[str, Any]]:
        async with self.http.get(self._url("sink", "/messages"), params={"kind": kind, "to": to}) as answer:
            return (await answer.json())["messages"]

    @property
    def _key(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.stack['api_key']}"}

    def _url(self, service: str, path: str) -> str:
        return self.stack["urls"][service] + path


def mailbox(user: str) -> str:
    return f"{user}@chat.example"


def said(message: str) -> tuple[int, dict[str, Any]]:
    """What a change that was made is answered with."""
    return 200, {"success": True, "message": message}


def quiet_now() -> dict[str, Any]:
    """Quiet hours that began two hours ago and end in two."""
    now = datetime.now(UTC)  # noqa: TID251  # the test's own clock
    start, end = (f"{now + timedelta(hours=hours):%H:%M}" for hours in (-2, 2))
    return {"enabled": True, "start_time": start, "end_time": end, "timezone": "UTC"}


async def heard(socket: ClientConnection) -> dict[str, Any]:
    """The next message but `live`, which says only that what was missed is told."""
    async with asyncio.timeout(PATIENCE):
        while (told := json.loads(await socket.recv()))["type"] == "live":
            pass
        return told


async def _enough(found: Callable[[], Awaitable[list[dict[str, Any]]]], count: int) -> list[dict[str, Any]]:
    async def enough() -> list[dict[str, Any]] | None:
        messages = await found()
        return messages if len(messages) >= count else None

    return await eventually(enough)


async def eventually(find: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(PATIENCE):
        while not (found := await find()):  # noqa: ASYNC110  # asked over HTTP: nobody could set an event
            await asyncio.sleep(0.05)
        return found
