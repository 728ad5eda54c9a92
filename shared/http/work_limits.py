"""How much may be in work at once: by one credential, and in all. What is over its share is told to come back later."""

from __future__ import annotations

from collections import Counter
from typing import Final

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.http.bodies import MAX_BODY
from shared.http.problems import Problem, unavailable

WORK: Final = "carillon.work"
"""Where a request's scope says what it holds: `ReleasesWork` puts it there."""


class WorkLimits:
    """Requests and bytes of their bodies, from when they are admitted until they are answered.

    A credential has half of the bytes: one that floods leaves the other half to everybody else.
    """

    def __init__(self, *, most_bytes: int, most_requests: int) -> None:
        self._most_bytes = most_bytes
        self._most_requests = most_requests
        self._requests: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self.held = 0
        """Bytes in work."""

    def hold(self, request: Request, credential: str) -> None:
        """Counts a request of `credential` until it is answered. Raises Problem 429, or 503 when all is in use."""
        size = _size(request)
        if self._requests[credential] >= self._most_requests or self._bytes[credential] + size > self._most_bytes // 2:
            detail = "too many requests of this key, or bytes of them, are in work"
            fix = "Repeat the same call after Retry-After seconds; wait for answers before sending more."
            raise Problem(429, "too_many_requests", detail, fix=fix, headers={"Retry-After": "1"})
        if self.held + size > self._most_bytes:
            raise unavailable("too much is in work; nothing was accepted")
        self._requests[credential] += 1
        self._bytes[credential] += size
        self.held += size
        request.scope[WORK].append((self, credential, size))

    def release(self, credential: str, size: int) -> None:
        """The request is answered."""
        self._requests[credential] -= 1
        self._bytes[credential] -= size
        self.held -= size
        if not self._requests[credential]:
            del self._requests[credential], self._bytes[credential]


class ReleasesWork:
    """ASGI middleware: whatever a request holds is released when it ends, however it ends."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        held: list[tuple[WorkLimits, str, int]] = []
        scope[WORK] = held
        try:
            await self._app(scope, receive, send)
        finally:
            for limits, credential, size in held:
                limits.release(credential, size)


def _size(request: Request) -> int:
    """What its body may have: as it says, or the most that is read."""
    if "transfer-encoding" in request.headers:
        return MAX_BODY
    length = request.headers.get("content-length", "0")
    return min(int(length), MAX_BODY) if length.isdigit() else MAX_BODY
