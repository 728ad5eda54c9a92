"""What a session asks its shell to do, and what it is told of an inbox."""

from __future__ import annotations

from typing import NamedTuple

from services.gateway.live.core.cursor import Cursor
from services.gateway.live.core.messages import CloseCode
from shared.model.inbox import Change, InboxItem
from shared.model.users import User


class SendFrame(NamedTuple):
    """Queue one text message."""

    payload: bytes


class CloseConnection(NamedTuple):
    """Write what is queued, then end the connection."""

    code: CloseCode
    reason: str


class Authenticate(NamedTuple):
    """Verify the token; then `on_user` or `on_unauthorized`. `ref` is what the answer repeats."""

    token: str
    ref: str | None = None


class WatchToken(NamedTuple):
    """Call `on_expiring` some time before, and `on_expired` at, `expires_at` (seconds since the epoch)."""

    expires_at: float


class LoadInbox(NamedTuple):
    """Register the session, then read an InboxSnapshot; then `on_rows`, or `on_unavailable`."""

    user: User
    since: Cursor | None


class ApplyChange(NamedTuple):
    """Change items (None: all unread ones, of one type if it is given); then `on_applied` or `on_failed`."""

    change: Change
    ids: tuple[str, ...] | None
    notification_type: str | None
    kind: str
    """The command's `type`, which the answer repeats."""
    ref: str | None
    until: int | None = None
    """Of SNOOZED, in milliseconds since the epoch."""


class ListUnread(NamedTuple):
    """Tell the client a page of its unread items, in its own words."""

    offset: int


Action = SendFrame | CloseConnection | Authenticate | WatchToken | LoadInbox | ApplyChange | ListUnread


class InboxSnapshot(NamedTuple):
    """An inbox at one moment. With a cursor `rows` are those above it, without one those not yet seen."""

    rows: tuple[InboxItem, ...]
    """Oldest first, none above `end`."""
    changed: tuple[InboxItem, ...]
    """Rows up to the cursor's offset, and any that are gone, that changed since its token, minus the overlap."""
    unread: int
    end: int
    """The largest offset; -1 for an empty inbox."""
    token: int
    """MongoDB's time before the first query, in milliseconds."""
    too_many: bool
    """There is more than is sent one by one (MAX_RESUME_ROWS, MAX_RESUME_BYTES): then there are neither rows nor changes."""
    unseen: int = 0
    """Of the unread ones."""
