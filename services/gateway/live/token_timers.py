"""When a connection's token ends, and some time before: its timers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from services.gateway.core.limits import AUTH_SECONDS, TOKEN_WARNING_SECONDS


class TokenTimers:
    """Of one connection: first for the token to come, then for its end. Made in a running loop."""

    __slots__ = ("_timers",)

    def __init__(self, missing: Callable[[], None]) -> None:
        """`missing` is called unless a token is watched in time."""
        self._timers = [asyncio.get_running_loop().call_later(AUTH_SECONDS, missing)]

    def watch(self, seconds: float, *, expiring: Callable[[int], None], expired: Callable[[], None]) -> None:
        """The token is good for so long; `expiring` gets the seconds that are left. Replaces what was watched before."""
        self.cancel()
        loop = asyncio.get_running_loop()
        warn = max(seconds - TOKEN_WARNING_SECONDS, 0.0)
        left = max(round(seconds - warn), 0)
        self._timers = [
            loop.call_later(warn, expiring, left),
            loop.call_later(max(seconds, 0.0), expired),
        ]

    def cancel(self) -> None:
        """Nothing is watched any more. One that went off still holds whom it told."""
        for timer in self._timers:
            timer.cancel()
        self._timers = []
