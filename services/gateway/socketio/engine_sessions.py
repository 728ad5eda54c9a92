"""Engine.IO sessions of this process: below a Socket.IO client, and there before one knows whose it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from services.gateway.core.limits import (
    AUTH_SECONDS,
    FRAME_BURST,
    FRAMES_PER_SECOND,
    MAX_MESSAGE_BYTES,
    MAX_UNAUTHENTICATED_MESSAGE_BYTES,
)
from services.gateway.live.core.address_limits import Place
from shared.model.token_buckets import TokenBucket


class EngineSession:
    """One of them, as its bounds are counted."""

    def __init__(self, place: Place | None = None) -> None:
        """`place` is among the sockets of its address; None: it is not counted there."""
        self.most_bytes = MAX_UNAUTHENTICATED_MESSAGE_BYTES
        """Of one message, or of one request with several."""
        self.requests = TokenBucket(rate=FRAMES_PER_SECOND, burst=FRAME_BURST)
        self.opened = False
        self._place = place

    def authenticated(self) -> None:
        """Whose it is, is known."""
        self.most_bytes = MAX_MESSAGE_BYTES
        if self._place is not None:
            self._place.authenticated()

    def end(self) -> None:
        """It has ended, or never began. Again: nothing."""
        if self._place is not None:
            self._place.leave()


class EngineSessions:
    """All of the process, by their ids. One that has no Socket.IO client for AUTH_SECONDS is cut off."""

    def __init__(self, cut: Callable[[str], Awaitable[None]]) -> None:
        """`cut` ends a session."""
        self._cut = cut
        self._sessions: dict[str, EngineSession] = {}
        self._idle: dict[str, asyncio.TimerHandle] = {}
        self._cutting: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._sessions)

    def get(self, engine_sid: str) -> EngineSession | None:
        """The session with this id."""
        return self._sessions.get(engine_sid)

    def open(self, engine_sid: str, session: EngineSession) -> None:
        """It begins, and has no client yet."""
        session.opened = True
        self._sessions[engine_sid] = session
        self.idle(engine_sid)

    def busy(self, engine_sid: str) -> None:
        """It has a client, which says who it is, or is sent away."""
        if (timer := self._idle.pop(engine_sid, None)) is not None:
            timer.cancel()

    def idle(self, engine_sid: str) -> None:
        """It has none, or none any more."""
        self.busy(engine_sid)
        if engine_sid in self._sessions:
            self._idle[engine_sid] = asyncio.get_running_loop().call_later(AUTH_SECONDS, self._soon, engine_sid)

    async def cut(self, engine_sid: str) -> None:
        """Ends it from here."""
        self.busy(engine_sid)
        await self._cut(engine_sid)

    def close(self, engine_sid: str) -> None:
        """It has ended."""
        self.busy(engine_sid)
        if (session := self._sessions.pop(engine_sid, None)) is not None:
            session.end()

    def _soon(self, engine_sid: str) -> None:
        task = asyncio.ensure_future(self.cut(engine_sid))
        self._cutting.add(task)
        task.add_done_callback(self._cutting.discard)
