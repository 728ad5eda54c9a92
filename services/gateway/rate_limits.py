"""How often each user may call, and how often still: in the headers of every answer to one who is known."""

from __future__ import annotations

from math import ceil, floor
from typing import Final

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.core.limits import MAX_LIMITED_USERS, REQUEST_BURST, REQUESTS_PER_SECOND
from shared.http.problems import Problem
from shared.http.rate_limit_headers import rate_limit_headers
from shared.model.token_buckets import TokenBuckets
from shared.model.users import User

_NOTED: Final = "rate_limit"


class UserRates:
    """Counts the requests of users, in one process."""

    def __init__(self) -> None:
        self._buckets = TokenBuckets(rate=REQUESTS_PER_SECOND, burst=REQUEST_BURST, most=MAX_LIMITED_USERS)

    def take(self, request: Request, user: User, now: float) -> None:
        """Counts one at `now` (monotonic seconds). Raises Problem 429 when there are too many."""
        key = (user.tenant, user.id)
        allowed = self._buckets.take(key, now)
        left = self._buckets.left(key)
        headers = rate_limit_headers(
            "user",
            quota=floor(REQUEST_BURST),
            seconds=ceil(REQUEST_BURST / REQUESTS_PER_SECOND),
            left=floor(left),
            reset=ceil((REQUEST_BURST - left) / REQUESTS_PER_SECOND),
        )
        setattr(request.state, _NOTED, headers)
        if not allowed:
            raise Problem(
                429,
                "too_many_requests",
                f"more than {REQUESTS_PER_SECOND:.0f} requests per second",
                fix="Wait for Retry-After seconds; a socket tells of changes without asking (docs/sockets.md).",
                headers={"Retry-After": "1"},
            )


class RateLimitHeaders:
    """ASGI middleware: what `UserRates` noted of a request stands on its answer, whatever that is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start" and _NOTED in state:
                MutableHeaders(scope=message).update(state[_NOTED])
            await send(message)

        await self._app(scope, receive, told)
