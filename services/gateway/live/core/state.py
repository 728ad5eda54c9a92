"""Where a session stands."""

from __future__ import annotations

from enum import StrEnum


class SessionState(StrEnum):
    """From the handshake to the end, in this order."""

    UNIDENTIFIED = "unidentified"
    RESUMING = "resuming"
    LIVE = "live"
    CLOSED = "closed"
