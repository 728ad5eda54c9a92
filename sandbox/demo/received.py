"""What was received, read from the receivers: the sink's SMTP and HTTP servers, the sockets, the inboxes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

import aiohttp
import orjson

from sandbox.demo.socket_client import SocketClient
from sandbox.stack import Stack
from shared.http.tokens import mint
from shared.model.timestamps import parse_rfc3339
from shared.process.clock import now_ms

LOOK_SECONDS: Final = 0.1
HEADER: Final = "x-carillon-notification"

Received = dict[tuple[str, str], list[int]]
"""(notification, channel) to the times of receipt, in milliseconds since the epoch."""


def token(stack: Stack, user: str) -> str:
    """A user's token for the gateway."""
    return mint(stack.token_secret, tenant="default", user=user, now=now_ms() // 1000)


async def everything(
    session: aiohttp.ClientSession, stack: Stack, since: int, sockets: Iterable[SocketClient], users: Iterable[str]
) -> Received:
    """All that was received so far: by the sink, on the sockets, and in the inboxes of `users`, who have no socket."""
    sink, inboxes = await asyncio.gather(at_the_sink(session, stack, since), in_the_inboxes(session, stack, users))
    live = {(id_, "in_app"): times for socket in sockets for id_, times in socket.received.items()}
    return sink | inboxes | live


async def complete(
    look: Callable[[], Awaitable[Received]], awaited: Callable[[Received], object], until: float
) -> Received:
    """Looks until nothing is awaited, or the monotonic clock says `until`."""
    while True:
        received = await look()
        if not awaited(received) or time.monotonic() > until:
            return received
        await asyncio.sleep(LOOK_SECONDS)


async def at_the_sink(session: aiohttp.ClientSession, stack: Stack, since: int) -> Received:
    """E-mails and webhooks with a number above `since`."""
    found = await _get(session, f"{stack.urls['sink']}/messages?since={since}")
    return from_sink(found["messages"])


async def last_at_the_sink(session: aiohttp.ClientSession, stack: Stack) -> int:
    """The newest message's number."""
    return int((await _get(session, f"{stack.urls['sink']}/messages?since={2**53}"))["last"])


async def in_the_inboxes(session: aiohttp.ClientSession, stack: Stack, users: Iterable[str]) -> Received:
    """What the inbox API shows to each of them; the time is when the row was written."""
    pages = await asyncio.gather(*(_inbox(session, stack, user) for user in users))
    return {(row["id"], "in_app"): [parse_rfc3339(row["created_at"])] for page in pages for row in page}


async def _inbox(session: aiohttp.ClientSession, stack: Stack, user: str) -> list[dict[str, Any]]:
    url = f"{stack.urls['gateway']}/api/v1/notifications?limit=100"
    page = await _get(session, url, {"Authorization": f"Bearer {token(stack, user)}"})
    return list(page["notifications"])


def from_sink(messages: Iterable[Mapping[str, Any]]) -> Received:
    """Which notification each message belongs to; a message of somebody else's is left out."""
    received: Received = {}
    for message in messages:
        notification = _of_email(message) if message["kind"] == "email" else _of_webhook(message)
        if notification is not None:
            received.setdefault((notification, message["kind"]), []).append(message["at_ms"])
    return received


def _of_email(message: Mapping[str, Any]) -> str | None:
    return next((value for name, value in message["headers"] if name.lower() == HEADER), None)


def _of_webhook(message: Mapping[str, Any]) -> str | None:
    try:
        return str(orjson.loads(message["body"])["notification"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None


async def _get(session: aiohttp.ClientSession, url: str, headers: Mapping[str, str] | None = None) -> Any:
    async with session.get(url, headers=headers) as response:
        response.raise_for_status()
        return orjson.loads(await response.read())
