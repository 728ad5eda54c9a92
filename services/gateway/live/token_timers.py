"""When a connection's token ends, and some time before: its timers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from services.gateway.core.limits import AUTH_SECONDS, TOKEN_WARNING_SECONDS


class TokenTimers:
    """Of one connection: first for the token to come, then for its end. Made in a running loop."""

    __slots__ = ("_timer",)

    def __init__(self, missing: Callable[[], None]) -> None:
        """`missing` is called unless a token is watched in time."""
        self._timer: asyncio.TimerHandle | None = asyncio.get_running_loop().call_later(AUTH_SECONDS, missing)

    def watch(self, seconds: float, *, expiring: Callable[[int], None], expired: Callable[[], None]) -> None:
        """The token is good for so long; `expiring` gets the seconds that are left. Replaces what was watched before."""
        self.cancel()
        rest = min(max(seconds, 0.0), float(TOKEN_WARNING_SECONDS))
        warn = max(seconds - TOKEN_WARNING_SECONDS, 0.0)
        self._timer = asyncio.get_running_loop().call_later(warn, self._warn, rest, expiring, expired)

    def cancel(self) -> None:
        """Nothing is watched any more. One that went off still holds whom it told."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _warn(self, rest: float, expiring: Callable[[int], None], expired: Callable[[], None]) -> None:
        self._timer = asyncio.get_running_loop().call_later(rest, expired)
        expiring(round(rest))
