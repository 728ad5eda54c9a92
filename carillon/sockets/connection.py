"""One connection of an InboxSocket, from its token to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from inspect import isawaitable
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
import orjson

from carillon.answers import retry_after
from carillon.arguments import checked_token
from carillon.errors import UnexpectedAnswerError, UnreachableError
from carillon.sockets.commands import CommandPace, PendingCommands
from carillon.sockets.endings import LOST, Ending
from carillon.sockets.event_queue import EventQueue
from carillon.sockets.events import (
    CommandAcknowledged,
    CommandRejected,
    Hello,
    ReturnLater,
    TokenExpiring,
    read_message,
)
from carillon.sockets.failures import why

TokenCallback = Callable[[], str | Awaitable[str]]
RETRIED: Final = frozenset({408, 429, 500, 502, 503, 504})
NO_TOKEN: Final = (OSError, TimeoutError, UnreachableError, aiohttp.ClientError)
"""What a token callback raises when it is to be asked again."""
HEARTBEAT_SECONDS: Final = 30.0
"""Silence after which the other side is asked whether it is there; it has half of that to answer."""
CLOSE_SECONDS: Final = 2.0
RENEWAL_SECONDS: Final = 5.0
"""Between two new tokens: one that is about to expire, too, is told of at once."""


@dataclass(frozen=True, kw_only=True)
class SocketPlace:
    """Where a socket connects to, and as whom."""

    url: str
    token: TokenCallback
    timeout: float


def open_http() -> aiohttp.ClientSession:
    """A session that follows no redirect: the token is for the gateway alone."""
    traces = aiohttp.TraceConfig()
    traces.on_request_redirect.append(_refuse_redirect)
    return aiohttp.ClientSession(trace_configs=[traces], timeout=aiohttp.ClientTimeout(total=None))


class SocketConnection:
    """Puts events into the queue and answers to the commands that wait for them."""

    def __init__(self, place: SocketPlace, queue: EventQueue, commands: PendingCommands) -> None:
        self._place = place
        self._queue = queue
        self._commands = commands
        self._loop = asyncio.get_running_loop()
        self._greeted: float | None = None
        self._after: float | None = None
        self._renewed = -RENEWAL_SECONDS
        self._token = ""
        self._renewing = False
        self._helpers: set[asyncio.Task[None]] = set()

    async def run(self, http: aiohttp.ClientSession) -> Ending:
        """Returns how it ended.

        Raises UnexpectedAnswerError when something else than a gateway answers, and what the token callback raises
        and NO_TOKEN does not name.
        """
        try:
            async with asyncio.timeout(self._place.timeout) as limit:
                try:
                    self._token = await self._new_token()
                except NO_TOKEN as error:
                    return Ending(reason=f"the token callback raised {type(error).__name__}")
                return await self._talk(http, limit)
        except aiohttp.WSServerHandshakeError as error:
            return _refused(self._place.url, error)
        except TimeoutError:
            return Ending(reason=f"no hello within {self._place.timeout:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return Ending(reason=why(error))

    async def _talk(self, http: aiohttp.ClientSession, limit: asyncio.Timeout) -> Ending:
        closing = aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS)
        async with http.ws_connect(self._place.url, heartbeat=HEARTBEAT_SECONDS, timeout=closing) as socket:
            try:
                await self._authenticate(socket, self._queue.kept)
                code, reason = await self._receive(socket, limit)
            finally:
                await self._end_helpers()
        lasted = None if self._greeted is None else self._loop.time() - self._greeted
        return Ending(code=code, reason=reason, after=self._after, lasted=lasted)

    async def _receive(self, socket: aiohttp.ClientWebSocketResponse[Any], limit: asyncio.Timeout) -> tuple[int, str]:
        """The close code and its reason."""
        self._queue.begin()
        while True:
            if self._greeted is not None:
                await self._queue.readable()
            message = await socket.receive()
            if message.type is aiohttp.WSMsgType.TEXT:
                self._take(message.data, socket, limit)
            elif message.type is aiohttp.WSMsgType.CLOSE:
                return message.data or LOST, message.extra or ""
            elif message.type is not aiohttp.WSMsgType.BINARY:
                return LOST, "the connection was lost"

    def _take(self, text: str, socket: aiohttp.ClientWebSocketResponse[Any], limit: asyncio.Timeout) -> None:
        match read_message(text):
            case None:
                return
            case CommandAcknowledged() | CommandRejected() as answer:
                self._commands.answered(answer)
            case TokenExpiring(seconds=seconds):
                if not self._renewing:
                    self._renewing = True
                    self._help(socket, lambda: self._renew(socket, seconds))
            case ReturnLater(seconds=seconds):
                self._after = seconds
            case event:
                if isinstance(event, Hello) and self._greeted is None:
                    self._greeted = self._loop.time()
                    limit.reschedule(None)
                    self._help(socket, lambda: self._send(socket))
                skipping = self._queue.skipping
                self._queue.put(event)
                if self._queue.skipping and not skipping:
                    self._help(socket, lambda: self._resume(socket))

    async def _send(self, socket: aiohttp.ClientWebSocketResponse[Any]) -> None:
        pace = CommandPace(self._loop.time())
        while True:
            pending = await self._commands.next_unsent()
            await socket.send_str(pending.frame)
            await asyncio.sleep(pace.delay(self._loop.time()))

    async def _renew(self, socket: aiohttp.ClientWebSocketResponse[Any], seconds: float) -> None:
        """A new token in-band. Without one the gateway ends the connection, and the next begins with a new one."""
        since = self._loop.time() - self._renewed
        await asyncio.sleep(max(0.0, min(RENEWAL_SECONDS - since, seconds / 2)))
        self._renewed = self._loop.time()
        self._renewing = False
        with suppress(*NO_TOKEN):
            token = await self._new_token()
            if token != self._token:
                self._token = token
                await self._authenticate(socket, None)

    async def _resume(self, socket: aiohttp.ClientWebSocketResponse[Any]) -> None:
        """The queue was full: once there is room, a new connection begins with what was skipped."""
        await self._queue.room()
        self._after = 0.0
        await socket.close()

    async def _authenticate(self, socket: aiohttp.ClientWebSocketResponse[Any], cursor: str | None) -> None:
        fields = {"type": "auth", "token": self._token} | ({} if cursor is None else {"cursor": cursor})
        await socket.send_str(orjson.dumps(fields).decode())

    async def _new_token(self) -> str:
        given = self._place.token()
        return checked_token(await given if isawaitable(given) else given)

    def _help(self, socket: aiohttp.ClientWebSocketResponse[Any], work: Callable[[], Awaitable[None]]) -> None:
        """Runs beside the reading; what it fails with ends the connection."""

        async def help_out() -> None:
            try:
                await work()
            except (ConnectionError, aiohttp.ClientError):
                return  # who reads sees the end as well
            except Exception:
                await socket.close()
                raise

        task = asyncio.create_task(help_out())
        self._helpers.add(task)
        task.add_done_callback(self._helped)

    def _helped(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is None:
            self._helpers.discard(task)

    async def _end_helpers(self) -> None:
        """Raises what one of them failed with."""
        helpers = list(self._helpers)
        for task in helpers:
            task.cancel()
        for result in await asyncio.gather(*helpers, return_exceptions=True):
            if isinstance(result, Exception):
                raise result


def _refused(url: str, error: aiohttp.WSServerHandshakeError) -> Ending:
    """The handshake was answered with something else. Raises UnexpectedAnswerError unless it may get better."""
    if error.status in RETRIED:
        return Ending(reason=f"HTTP {error.status}", after=retry_after(error.headers or {}))
    raise UnexpectedAnswerError(
        f"{url} was answered {error.status} and no WebSocket",
        fix="check the url: it is the one of the gateway's sockets, not that of its HTTP API",
    ) from error


async def _refuse_redirect(
    _session: aiohttp.ClientSession, _context: SimpleNamespace, redirected: aiohttp.TraceRequestRedirectParams
) -> None:
    redirected.response.close()
    raise UnexpectedAnswerError(
        f"{redirected.url} was answered {redirected.response.status} with Location "
        f"{redirected.response.headers.get('Location', 'missing')}",
        fix="give the url that answers without a redirect: wss, and no login page in front",
    )
