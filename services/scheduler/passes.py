"""Whether a loop still goes round: for `/readyz`."""

from __future__ import annotations

import time
from typing import Final

STALL_SECONDS: Final = 60.0
"""A loop goes round several times a second, but where it waits."""


class Passes:
    """When a loop last went round: it stands while it waits for Kafka or MongoDB, or hangs."""

    def __init__(self, what: str) -> None:
        """`what` has not been done while it stands."""
        self._what = what
        self._at = time.monotonic()

    def note(self) -> None:
        """It went round."""
        self._at = time.monotonic()

    async def answer(self) -> bool | str:
        """For `/readyz`: True, or how long it has been standing."""
        standing = time.monotonic() - self._at
        return True if standing < STALL_SECONDS else f"nothing was {self._what} for {standing:.0f} s"
