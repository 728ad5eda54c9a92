"""What follows the end of a connection: the next try, and when, or the end of the socket. Contract: docs/sockets.md."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from carillon.errors import SocketEndedError

LOST: Final = 1006
"""Nobody said why (RFC 6455): cut off, or never connected."""
UNAUTHORIZED: Final = 4401
WAIT_INITIAL: Final = 0.5
STABLE_SECONDS: Final = 5.0
"""A connection that lasted so long ends a row of failures."""
MAX_ASKED_SECONDS: Final = 300.0
"""What a gateway or a proxy may ask to wait."""
LEAST_WAIT: Final = {1013: 1.0, 4429: 5.0}
"""Close codes that ask for time."""
COME_BACK: Final = frozenset({4408, 4429})
"""Those below 4400 all do."""
FIXES: Final = {
    1009: "what was sent is too large; a token may have 8,192 characters",
    4400: "check what stands between the client and the gateway; if nothing does, install a newer carillon-client",
    4409: "close sockets of this user that nobody needs: newer ones have taken the place of this one",
    UNAUTHORIZED: "let the token callback return a new token of the same user; the reason says what is wrong with this one",
}
UNKNOWN_FIX: Final = "install a newer carillon-client: this one does not know the code"


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a connection ended, or why there was none."""

    code: int = LOST
    reason: str = ""
    after: float | None = None
    """Seconds that the other side asked to wait; None when it did not."""
    lasted: float | None = None
    """Seconds since its hello; None when there was none."""


class Reconnects:
    """Full jitter: each wait is random, up to a bound that doubles with every failure in a row.

    So many clients that were dropped at once do not come back at once.
    """

    def __init__(self, *, max_wait: float, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._max_wait = max_wait
        self._uniform = uniform
        self._failures = 0
        self._refused = False

    def after(self, ending: Ending) -> float:
        """Seconds until the next try. Raises SocketEndedError when another try would end the same."""
        if ending.lasted is not None:
            self._refused = False
            self._failures = self._failures if ending.lasted < STABLE_SECONDS else 0
        if ending.code == UNAUTHORIZED:
            if self._refused:
                raise _ended(ending)
            self._refused = True
        elif ending.code in FIXES or (ending.code >= 4400 and ending.code not in COME_BACK):
            raise _ended(ending)
        bound = min(self._max_wait, WAIT_INITIAL * 2 ** min(self._failures, 16))
        self._failures += 1
        if ending.after is not None:
            return min(ending.after, MAX_ASKED_SECONDS)
        return LEAST_WAIT.get(ending.code, 0.0) + self._uniform(0.0, bound)


def _ended(ending: Ending) -> SocketEndedError:
    return SocketEndedError(
        f"the gateway ended the socket with {ending.code}: {ending.reason or 'no reason'}",
        fix=FIXES.get(ending.code, UNKNOWN_FIX),
        code=ending.code,
    )
