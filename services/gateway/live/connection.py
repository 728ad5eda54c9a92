"""One socket: does what its session asks for, in order."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import monotonic
from typing import Final

import structlog
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State as ProtocolState

from services.gateway.auth import identify
from services.gateway.inbox.changes import Changes
from services.gateway.inbox.store import InboxStore
from services.gateway.inbox.types import where_type
from services.gateway.live.core.actions import Action, Apply, Authenticate, Close, Load, Send, Watch
from services.gateway.live.core.session import Session
from services.gateway.live.registry import Member, Registry
from shared.catalog.cache import Catalog
from shared.http.problems import Problem
from shared.http.tokens import InvalidToken
from shared.model import ids
from shared.model.errors import Unavailable
from shared.process.clock import now_ms
from shared.process.metrics import RESUMES, SOCKET_FRAMES, SOCKETS

AUTH_SECONDS: Final = 5.0
WARN_SECONDS: Final = 30
BEFORE_AUTH_BYTES: Final = 4_096
AFTER_AUTH_BYTES: Final = 65_536

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Services:
    """What every connection of a process shares."""

    secret: str
    epoch: str
    registry: Registry
    store: InboxStore
    changes: Changes
    catalog: Catalog
    loads: asyncio.Semaphore
    """How many inboxes are read at once, so that a storm of reconnects does not become one of queries."""


class Connection:
    """The shell of one session."""

    def __init__(self, socket: ServerConnection, services: Services) -> None:
        self._socket = socket
        self._services = services
        self._session = Session(services.epoch)
        self.member = Member(self._session, backlog=socket.transport.get_write_buffer_size, handle=self)
        self._key: bytes | None = None
        self._timers: list[asyncio.TimerHandle] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    async def live(self, token: str | None, cursor: str | None) -> None:
        """From the handshake to the end of the connection."""
        self._limit(BEFORE_AUTH_BYTES)
        deadline = asyncio.get_running_loop().call_later(AUTH_SECONDS, self._auth_timeout)
        self._timers.append(deadline)
        try:
            await self._perform(self._session.on_open(token, cursor))
            async for frame in self._socket:
                await self._perform(self._session.on_frame(frame, monotonic()))
        except ConnectionClosed:
            pass
        finally:
            self._leave()
            for task in self._tasks:
                task.cancel()

    def flush(self) -> None:
        """Writes all that waits, at once."""
        if self.member.frames:
            count = len(self.member.frames)
            frames = self.member.take()
            if self._socket.state is ProtocolState.OPEN:
                self._socket.transport.write(frames)
                SOCKET_FRAMES.labels("text").inc(count)

    def drop_slow(self) -> None:
        """Ends a connection whose client does not read; it may resume."""
        self._soon(self._session.on_slow())

    async def restart(self, after_ms: int) -> None:
        """Sends the client away until the next process serves."""
        await self._perform(self._session.on_restart(after_ms))

    async def _perform(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Send(payload):
                    self._send(payload)
                case Close(code, reason):
                    await self._close(code, reason)
                case Authenticate(token):
                    await self._perform(self._authenticate(token))
                case Watch(expires_at):
                    self._watch(expires_at - now_ms() / 1000)
                case Load():
                    await self._perform(await self._load(action))
                case Apply():
                    await self._perform(await self._apply(action))
        self.flush()

    def _send(self, payload: bytes) -> None:
        if not self._closing and not self._services.registry.send(self.member, payload):
            self.drop_slow()

    def _authenticate(self, token: str) -> list[Action]:
        try:
            return self._session.on_user(identify(self._services.secret, token))
        except InvalidToken as error:
            return self._session.on_refused(str(error))

    async def _load(self, load: Load) -> list[Action]:
        """Registered before the rows are read: what happens meanwhile waits in the session."""
        if self._key is None:
            self._key = ids.user_key(load.user.tenant, load.user.id)
            self._limit(AFTER_AUTH_BYTES)
            SOCKETS.inc()
        self._services.registry.add(self._key, self.member)
        try:
            async with self._services.loads:
                snapshot = await self._services.store.snapshot(load.user, load.since)
        except Unavailable as error:
            log.warning("inbox_unreadable", error=str(error), next="the client is told to come back")
            return self._session.on_away()
        actions = self._session.on_rows(snapshot)
        RESUMES.labels(self._session.result_of_resume).inc()
        return actions

    async def _apply(self, apply: Apply) -> list[Action]:
        user = self._session.user
        if user is None:
            return []
        changes = self._services.changes
        try:
            if apply.ids is not None:
                updated = await changes.apply(user, apply.change, apply.ids)
            else:
                where = where_type(self._services.catalog, user.tenant, apply.notification_type)
                updated = await changes.read_all(user, where)
        except Unavailable:
            return self._session.on_failed(apply, "temporarily_unavailable", "something does not answer; repeat it")
        except Problem as problem:
            return self._session.on_failed(apply, problem.code, problem.detail)
        return self._session.on_applied(apply, updated)

    def _watch(self, seconds: float) -> None:
        """Replaces all timers: who has shown a token is no longer awaited."""
        self._cancel_timers()
        loop = asyncio.get_running_loop()
        warn = max(seconds - WARN_SECONDS, 0.0)
        left = max(round(seconds - warn), 0)
        self._timers = [
            loop.call_later(warn, lambda: self._soon(self._session.on_expiring(left))),
            loop.call_later(max(seconds, 0.0), lambda: self._soon(self._session.on_expired())),
        ]

    def _auth_timeout(self) -> None:
        self._soon(self._session.on_auth_timeout())

    def _soon(self, actions: list[Action]) -> None:
        if actions:
            task = asyncio.create_task(self._perform(actions))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _close(self, code: int, reason: str) -> None:
        self.flush()
        self._leave()
        await self._socket.close(code, reason)

    def _leave(self) -> None:
        self._closing = True
        self._cancel_timers()
        if self._key is not None and self._services.registry.remove(self._key, self.member):
            SOCKETS.dec()

    def _cancel_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()

    def _limit(self, most: int) -> None:
        self._socket.protocol.max_message_size = most
