"""What arrived, as those see it to whom it went: the SMTP and the HTTP server of the sink, the inbox."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

import aiohttp
import orjson

from sandbox.demo.socket_client import InboxSocket
from sandbox.stack import Stack
from shared.http.tokens import mint
from shared.model.timestamps import parse_rfc3339
from shared.process.clock import now_ms

LOOK_SECONDS: Final = 0.1
HEADER: Final = "x-carillon-notification"

Arrivals = dict[tuple[str, str], list[int]]
"""(notification, channel) to the times of arrival, in milliseconds since the epoch."""


def token(stack: Stack, user: str) -> str:
    """A user's token for the gateway."""
    return mint(stack.token_secret, tenant="default", user=user, now=now_ms() // 1000)


async def everything(
    session: aiohttp.ClientSession, stack: Stack, since: int, sockets: Iterable[InboxSocket], users: Iterable[str]
) -> Arrivals:
    """All that has arrived by now: at the sink, on the sockets, and in the inboxes of `users`, who have none."""
    sink, inboxes = await asyncio.gather(at_the_sink(session, stack, since), in_the_inboxes(session, stack, users))
    live = {(id_, "in_app"): times for socket in sockets for id_, times in socket.arrived.items()}
    return sink | inboxes | live


async def complete(
    look: Callable[[], Awaitable[Arrivals]], awaited: Callable[[Arrivals], object], until: float
) -> Arrivals:
    """Looks until nothing is awaited, or the monotonic clock says `until`."""
    while True:
        arrivals = await look()
        if not awaited(arrivals) or time.monotonic() > until:
            return arrivals
        await asyncio.sleep(LOOK_SECONDS)


async def at_the_sink(session: aiohttp.ClientSession, stack: Stack, since: int) -> Arrivals:
    """E-mails and webhooks with a number above `since`."""
    found = await _get(session, f"{stack.urls['sink']}/messages?since={since}")
    return from_sink(found["messages"])


async def last_at_the_sink(session: aiohttp.ClientSession, stack: Stack) -> int:
    """The newest message's number."""
    return int((await _get(session, f"{stack.urls['sink']}/messages?since={2**53}"))["last"])


async def in_the_inboxes(session: aiohttp.ClientSession, stack: Stack, users: Iterable[str]) -> Arrivals:
    """What the inbox API shows to each of them; the time is when it came to stand there."""
    pages = await asyncio.gather(*(_inbox(session, stack, user) for user in users))
    return {(row["id"], "in_app"): [parse_rfc3339(row["created_at"])] for page in pages for row in page}


async def _inbox(session: aiohttp.ClientSession, stack: Stack, user: str) -> list[dict[str, Any]]:
    url = f"{stack.urls['gateway']}/api/v1/notifications?limit=100"
    page = await _get(session, url, {"Authorization": f"Bearer {token(stack, user)}"})
    return list(page["notifications"])


def from_sink(messages: Iterable[Mapping[str, Any]]) -> Arrivals:
    """Which notification each message belongs to (pure); a message of somebody else's is left out."""
    arrivals: Arrivals = {}
    for message in messages:
        notification = _of_email(message) if message["kind"] == "email" else _of_webhook(message)
        if notification is not None:
            arrivals.setdefault((notification, message["kind"]), []).append(message["at_ms"])
    return arrivals


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
