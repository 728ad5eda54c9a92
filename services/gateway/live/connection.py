"""One socket: does what its session asks for, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Final
from uuid import uuid4

import structlog
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from services.gateway.core.limits import MAX_MESSAGE_BYTES, MAX_UNAUTHENTICATED_MESSAGE_BYTES
from services.gateway.inbox.rejections import RejectedChange
from services.gateway.live.client_socket import ClientSocket
from services.gateway.live.connection_context import ConnectionContext
from services.gateway.live.core.actions import (
    Action,
    ApplyChange,
    Authenticate,
    CloseConnection,
    LoadInbox,
    SendFrame,
    WatchToken,
)
from services.gateway.live.core.announcement import Announcement
from services.gateway.live.core.messages import CloseCode
from services.gateway.live.core.session import Session
from services.gateway.live.outbox import Outbox
from services.gateway.live.token_timers import TokenTimers
from services.gateway.live.writes import Writes
from shared.http.tokens import InvalidToken
from shared.model import ids
from shared.model.errors import Unavailable
from shared.model.inbox import Change
from shared.model.users import in_life
from shared.process.clock import now_ms
from shared.process.gateway_metrics import RESUMES, SESSIONS_CLOSED, SLOW_CLOSED, SOCKETS

log = structlog.get_logger()
_OPEN: Final = State.OPEN
SESSION_CHARACTERS: Final = 12
"""Of a session's name, which the client is told and the log has."""


class Connection:
    """The shell of one session, and a Receiver of the registry."""

    __slots__ = (
        "_context", "_key", "_outbox", "_protocol", "_session", "_socket", "_tasks", "_timers", "_transport",
    )  # fmt: skip

    def __init__(self, socket: ClientSocket, context: ConnectionContext) -> None:
        self._socket = socket
        self._context = context
        self._session = Session(context.epoch, uuid4().hex[:SESSION_CHARACTERS])
        self._protocol = socket.protocol
        self._transport = socket.transport
        self._outbox = Outbox(socket.transport.get_write_buffer_size)
        self._key: bytes | None = None
        self._timers = TokenTimers(lambda: self._soon(self._session.on_auth_timeout()))
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, token: str | None, cursor: str | None) -> None:
        """From the handshake to the end of the connection."""
        self._protocol.max_message_size = MAX_UNAUTHENTICATED_MESSAGE_BYTES
        self._context.backlog.add(self)
        try:
            await self._perform(self._session.on_open(token, cursor))
            async for frame in self._socket:
                await self._perform(self._session.on_frame(frame, monotonic()))
        except ConnectionClosed:
            pass
        finally:
            self._leave()
            self._context.backlog.discard(self)
            for task in self._tasks:
                task.cancel()

    def announce(self, announcements: Sequence[Announcement], writes: Writes) -> None:
        """As Receiver says; a client that does not read enough is sent away."""
        for announcement in announcements:
            if announcement.created is None and announcement.event.change == Change.ERASED:
                self._soon(self._session.on_erased(announcement.event.life))
            elif (message := self._session.tell(announcement)) is not None:
                self._queue(message)
                if announcement.event.receipt is not None:
                    self._context.receipts.queued(self._session, announcement.event.receipt)
            else:
                writes.held += len(announcement.items)
        frames = self._outbox.take()
        if frames and self._protocol.state is _OPEN:
            writes.add(self._transport, frames)

    def reload(self) -> None:
        """As Receiver says."""
        self._soon(self._session.on_newer())

    def replace(self) -> None:
        """As Receiver says."""
        SOCKETS.dec()
        self._soon(self._session.on_replaced())

    @property
    def waiting(self) -> int:
        """Bytes in its outbox and its transport, and of what waits until its inbox is read."""
        return self._outbox.waiting + self._session.waiting.size

    def drop_slow(self) -> None:
        """For a client that leaves too much waiting in a process that holds too much: it is cut off at once.

        What is in its transport is freed only so. It resumes with its cursor.
        """
        SLOW_CLOSED.labels("process").inc()
        self._context.backlog.discard(self)
        self._leave()
        self._transport.abort()

    async def restart(self, after_ms: int) -> None:
        """Sends the client away until the next process serves."""
        await self._perform(self._session.on_restart(after_ms))

    async def _perform(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case SendFrame(payload):
                    self._queue(payload)
                case CloseConnection(code, reason):
                    await self._close(code, reason)
                case Authenticate(token, ref):
                    await self._perform(await self._authenticate(token, ref))
                case WatchToken(expires_at):
                    left = expires_at - now_ms() / 1000
                    self._timers.watch(left, expiring=self._expiring, expired=self._expired)
                case LoadInbox():
                    await self._perform(await self._load(action))
                    self._context.receipts.caught_up(self._session)
                case ApplyChange():
                    await self._perform(await self._apply(action))
        self._write()

    def _queue(self, payload: bytes) -> None:
        if not self._outbox.put(payload) and (actions := self._session.on_slow()):
            SLOW_CLOSED.labels("connection").inc()
            self._soon(actions)

    def _write(self) -> None:
        """All that waits."""
        writes = Writes(self._context.backlog)
        self.announce((), writes)
        writes.flush()

    async def _authenticate(self, token: str, ref: str | None) -> list[Action]:
        try:
            return self._session.on_user(await self._context.identify(token), ref)
        except InvalidToken as error:
            return self._session.on_unauthorized(str(error), ref)
        except Unavailable:  # of a ticket
            return self._session.on_unavailable()

    async def _load(self, load: LoadInbox) -> list[Action]:
        """Registered before the rows are read: what happens meanwhile waits in the session."""
        if self._key is None:
            self._key = ids.user_key(load.user.tenant, load.user.id)
            self._protocol.max_message_size = MAX_MESSAGE_BYTES
            SOCKETS.inc()
        self._context.registry.add(self._key, self)
        try:
            async with self._context.snapshots:
                user = in_life(load.user, await self._context.lives(load.user.tenant, load.user.id))
                if user is None:
                    return self._session.on_deleted()
                self._session.user = user
                snapshot = await self._context.store.snapshot(user, load.since)
        except Unavailable as error:
            log.warning("inbox_unreadable", session=self._session.name, error=str(error), next="the client comes back")
            return self._session.on_unavailable()
        actions = self._session.on_rows(snapshot)
        RESUMES.labels(self._session.result_of_resume).inc()
        return actions

    async def _apply(self, apply: ApplyChange) -> list[Action]:
        user = self._session.user
        if user is None:
            return []
        try:
            if apply.ids is None:
                updated = await self._context.changes.read_all(user, apply.notification_type)
            else:
                updated = await self._context.changes.apply(user, apply.change, apply.ids, apply.until)
        except Unavailable:
            return self._session.on_failed(apply, "temporarily_unavailable", "something does not answer; repeat it")
        except RejectedChange as error:
            return self._session.on_failed(apply, error.code, error.detail)
        return self._session.on_applied(apply, updated)

    def _expiring(self, seconds: int) -> None:
        self._soon(self._session.on_expiring(seconds))

    def _expired(self) -> None:
        self._soon(self._session.on_expired())

    def _soon(self, actions: list[Action]) -> None:
        if actions:
            task = asyncio.create_task(self._perform(actions))
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A task that fails ends the connection, so that the client comes back with its cursor."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            told = "the client resumes with its cursor"
            log.error("connection_failed", session=self._session.name, exc_info=error, next=told)
            self._transport.abort()

    async def _close(self, code: CloseCode, reason: str) -> None:
        SESSIONS_CLOSED.labels(code.name.lower()).inc()
        self._write()
        self._leave()
        await self._socket.close(code, reason)

    def _leave(self) -> None:
        self._outbox.close()
        self._timers.cancel()
        if self._key is not None and self._context.registry.remove(self._key, self):
            SOCKETS.dec()
