"""Backends that speak Socket.IO: they show a key, and send bookings."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from services.gateway.socketio.bookings import BookingRejected, BookingSender
from shared.model.errors import Unavailable
from shared.mongo.api_keys import Principal, Scope

CONNECT: Final = "backend_connect"
BOOK: Final = "booking_notification"
MAX_AT_ONCE: Final = 100
"""Bookings of one backend that wait for what becomes of them."""
FindPrincipal = Callable[[str], Awaitable[Principal | None]]
"""Whose key it is. Raises MongoUnavailable."""
Emit = Callable[[str, str, dict[str, object]], Awaitable[None]]
"""Sends an event with its data to the client of a sid."""


def presence_key(tenant: str) -> bytes:
    """What stands for a tenant's backends where it is written who is connected; no user's key begins so."""
    return b"@" + tenant.encode()


class _Backend(NamedTuple):
    key: str
    tenant: str
    under_way: set[asyncio.Task[None]]


class Backends:
    """Those that are connected here, by sid."""

    def __init__(self, principal: FindPrincipal, sender: BookingSender | None, emit: Emit) -> None:
        """`sender`: None, where backends may not send."""
        self._principal = principal
        self._sender = sender
        self._emit = emit
        self._known: dict[str, _Backend] = {}
        self._looked_at: set[str] = set()
        self._connected: Counter[bytes] = Counter()
        self.changed: Callable[[bytes], None] = lambda _: None
        """Told, by the presence key, of a tenant's first backend and of the end of the last one, once it is so."""

    def __contains__(self, sid: object) -> bool:
        return sid in self._known

    def is_connected(self, key: bytes) -> bool:
        """Whether a backend of the tenant with this presence key is."""
        return key in self._connected

    async def connect(self, sid: str, data: object) -> bool:
        """Whether the key is good; it is said to the client, too."""
        key = data.get("token") if isinstance(data, dict) else None
        self._looked_at.add(sid)
        problem, principal = await self._look(key if isinstance(key, str) else "")
        if sid not in self._looked_at:  # gone meanwhile
            return False
        self._looked_at.discard(sid)
        if principal is None:
            await self._emit(sid, "auth_error", {"error": problem})
            return False
        before = self._forget(sid)
        self._known[sid] = _Backend(str(key), principal.tenant, before.under_way if before is not None else set())
        self._count(presence_key(principal.tenant), 1)
        await self._emit(sid, "backend_auth_success", {"status": "authenticated"})
        return True

    async def book(self, sid: str, data: object) -> None:
        """Answers when it is known what became of it; others are taken meanwhile."""
        backend = self._known[sid]
        if len(backend.under_way) >= MAX_AT_ONCE:
            await self._emit(sid, "notification_error", {"error": "too many at once; send it again", **_about(data)})
            return
        task = asyncio.create_task(self._book(sid, backend, data))
        backend.under_way.add(task)
        task.add_done_callback(backend.under_way.discard)

    def disconnect(self, sid: str) -> None:
        """It is gone; what is durable goes on without it."""
        self._looked_at.discard(sid)
        backend = self._forget(sid)
        for task in backend.under_way if backend is not None else ():
            task.cancel()

    def _forget(self, sid: str) -> _Backend | None:
        backend = self._known.pop(sid, None)
        if backend is not None:
            self._count(presence_key(backend.tenant), -1)
        return backend

    def _count(self, key: bytes, more: int) -> None:
        before = self._connected[key]
        self._connected[key] = before + more
        if not self._connected[key]:
            del self._connected[key]
        if not before or key not in self._connected:
            self.changed(key)

    async def _look(self, key: str) -> tuple[str, Principal | None]:
        if self._sender is None:
            return "backends cannot send here: CARILLON_SOCKETIO_INGEST_URL is not set", None
        try:
            principal = await self._principal(key)
        except Unavailable:
            return "the key cannot be looked up now; come back in some seconds", None
        if principal is None or Scope.SEND not in principal.scopes:
            return "it is no key with the scope `send`", None
        return "", principal

    async def _book(self, sid: str, backend: _Backend, data: object) -> None:
        sender = self._sender
        if sender is None:
            return
        try:
            sent = await sender.send(backend.tenant, backend.key, data)
        except BookingRejected as problem:
            await self._emit(sid, "notification_error", {"error": str(problem), **_about(data)})
            return
        outcome = await sender.outcome(sent)
        await self._emit(sid, outcome, {"id": sent.notification, **_about(data)})


def _about(data: object) -> dict[str, object]:
    """What says which booking an answer is about."""
    known = data if isinstance(data, dict) else {}
    return {name: known[name] for name in ("booking_id", "facilitator_id") if name in known}
