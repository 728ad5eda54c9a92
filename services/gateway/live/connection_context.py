"""What the connections of a process share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from services.gateway.identity import ReadLife
from services.gateway.inbox.changes import Changes
from services.gateway.inbox.store import InboxStore
from services.gateway.live.backlog import Backlog
from services.gateway.live.receipts import SocketReceipts
from services.gateway.live.registry import Registry
from shared.model.users import User


@dataclass(frozen=True, kw_only=True)
class ConnectionContext:
    """Made once, when the process starts."""

    identify: Callable[[str], Awaitable[User]]
    """The user of a token or ticket. Raises InvalidToken, or MongoUnavailable."""
    lives: ReadLife
    epoch: str
    registry: Registry
    backlog: Backlog
    store: InboxStore
    changes: Changes
    snapshots: asyncio.Semaphore
    """How many inboxes are read at once."""
    receipts: SocketReceipts
