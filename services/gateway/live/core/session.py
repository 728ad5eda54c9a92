"""One client's session: what comes in becomes actions.

Unidentified -> Resuming -> Live -> Closed. The shell registers the session before it loads rows, so that
between the rows and the live events nothing is missing; what overlaps is dropped by its offset.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from services.gateway.core import limits
from services.gateway.live.core import commands
from services.gateway.live.core.actions import (
    Action,
    ApplyChange,
    Authenticate,
    CloseConnection,
    InboxSnapshot,
    ListUnread,
    LoadInbox,
    SendFrame,
    WatchToken,
)
from services.gateway.live.core.announcement import Announcement
from services.gateway.live.core.cursor import Cursor, Cursors
from services.gateway.live.core.feed import Feed
from services.gateway.live.core.messages import (
    CloseCode,
    ErrorMessage,
    OkMessage,
    PongMessage,
    ReconnectMessage,
    ServerMessage,
    TokenExpiringMessage,
    close_reason,
    encode,
)
from services.gateway.live.core.state import SessionState
from services.gateway.live.core.waiting import WaitingEvents
from shared.model import ids
from shared.model.inbox_receipts import CaughtUp
from shared.model.token_buckets import TokenBucket
from shared.model.users import User

Decode = Callable[[str | bytes], commands.Command | commands.ListCommand | commands.BadCommand]
"""Raises NotJson."""
_LIVE: Final = SessionState.LIVE
"""Every event asks for it, and an enum's member costs as much as a call."""


class Session:
    """The protocol of one connection."""

    __slots__ = (
        "_bucket", "_caught_up", "_cursor_text", "_decode", "_epoch", "_erased", "_feed", "_reset", "_since",
        "name", "state", "user", "waiting",
    )  # fmt: skip

    def __init__(self, epoch: str, name: str = "", *, decode: Decode = commands.decode_command) -> None:
        """`name` is what the client and the log call it; `decode` reads what the client says."""
        self.name = name
        self.state = SessionState.UNIDENTIFIED
        self.user: User | None = None
        self._decode = decode
        self._epoch = epoch
        self._erased = 0
        self._bucket = TokenBucket(rate=limits.MESSAGES_PER_SECOND, burst=limits.MESSAGE_BURST)
        self._cursor_text: str | None = None
        self._feed: Feed | None = None
        self._since: Cursor | None = None
        self._reset: str | None = None
        self.waiting = WaitingEvents()
        self._caught_up: CaughtUp | None = None

    def on_open(self, token: str | None, cursor: str | None) -> list[Action]:
        """The handshake is done; both may have come with it."""
        self._cursor_text = cursor
        return [] if token is None else [Authenticate(token)]

    def on_frame(self, frame: str | bytes, now: float) -> list[Action]:
        """A message came; `now` in seconds of a monotonic clock."""
        if self.state is SessionState.CLOSED:
            return []
        if not self._bucket.take(now):
            return self._close(CloseCode.TOO_MANY_MESSAGES, "too many messages")
        try:
            command = self._decode(frame)
        except commands.NotJson:
            return self._close(CloseCode.BAD_MESSAGE, "messages are JSON text")
        if isinstance(command, commands.AuthCommand):
            self._cursor_text = self._cursor_text if command.cursor is None else command.cursor
            return [Authenticate(command.token, command.ref)]
        if self.state is SessionState.UNIDENTIFIED:
            problem = f": {command.detail}" if isinstance(command, commands.BadCommand) else ""
            return self._close(CloseCode.UNAUTHORIZED, f"the first message is auth, with a token{problem}")
        if isinstance(command, commands.BadCommand):
            return [_say(ErrorMessage(code="bad_command", detail=command.detail, ref=command.ref))]
        if isinstance(command, commands.PingCommand):
            return [_say(PongMessage(ref=command.ref))]
        if isinstance(command, commands.ListCommand):
            return [ListUnread(command.offset)]
        only = command.notification_type if isinstance(command, commands.ReadCommand) else None
        until = command.until if isinstance(command, commands.SnoozeCommand) else None
        return [ApplyChange(command.change, command.ids, only, commands.kind_of(command), command.ref, until)]

    def on_user(self, user: User, ref: str | None = None) -> list[Action]:
        """The token is good. A new token on a live connection must be the same user's."""
        if self.state is SessionState.CLOSED:
            return []
        if self.user is not None and (user.tenant, user.id) != (self.user.tenant, self.user.id):
            return self._close(CloseCode.UNAUTHORIZED, "the token is another user's")
        if self.user is not None:
            self.user = msgspec.structs.replace(user, life=self.user.life)
            return [WatchToken(user.expires_at), _say(OkMessage(kind="auth", ref=ref))]
        self.user = user
        self.state = SessionState.RESUMING
        cursors = Cursors(self._epoch, ids.user_key(user.tenant, user.id))
        self._feed = Feed(cursors, session=self.name, user=user.id)
        if self._cursor_text is not None:
            self._since = cursors.read(self._cursor_text)
            self._reset = None if self._since else "unknown_cursor"
        return [WatchToken(user.expires_at), LoadInbox(user, self._since)]

    def on_erased(self, life: int) -> list[Action]:
        """The lives before `life` have ended. Which one is the user's is known once the rows are there."""
        self._erased = max(self._erased, life)
        own = self.user.life if self.user is not None and self.state is SessionState.LIVE else life
        return self.on_deleted() if own < life else []

    def on_deleted(self) -> list[Action]:
        """The token is of somebody who is deleted."""
        return self._close(CloseCode.UNAUTHORIZED, "the user was deleted")

    def on_unauthorized(self, detail: str, ref: str | None = None) -> list[Action]:
        """The token is not good; a live session goes on until its old one expires."""
        if self.state in {SessionState.RESUMING, SessionState.LIVE}:
            return [_say(ErrorMessage(code="unauthorized", detail=detail, ref=ref))]
        return self._close(CloseCode.UNAUTHORIZED, detail)

    def on_rows(self, snapshot: InboxSnapshot) -> list[Action]:
        """What the inbox held; after this the session is live."""
        if self.state is not SessionState.RESUMING or self.user is None or self._feed is None:
            return []
        if self.user.life < self._erased:
            return self.on_deleted()
        if (waiting := self.waiting.take()) is None:
            self._reset = "too_many"
            return [LoadInbox(self.user, None)]
        if snapshot.too_many:
            self._reset = "too_many"
        if self._since and self._since.offset > snapshot.end:
            self._reset = "unknown_cursor"
        self.state = SessionState.LIVE
        answer = [] if self._reset else self._feed.catch_up(snapshot, self._since)
        if sum(len(frame.payload) for frame in answer) > limits.MAX_CATCH_UP_BYTES:
            self._reset = "too_many"
        if self._reset:
            self._since = None
            answer = self._feed.renew(snapshot, self._reset)
        told = [] if self._reset else [row.offset for row in snapshot.rows]
        for announcement in waiting:
            answer += self.on_event(announcement)
            told += [announcement.created] if announcement.created is not None else []
        has = CaughtUp(self._since.offset if self._since else -1, frozenset(told))
        self._caught_up = has if has != CaughtUp() else None
        return [*answer, self._feed.live()]

    def take_caught_up(self) -> CaughtUp | None:
        """What the client has had when it became live, once; None: nothing, or that was taken."""
        has, self._caught_up = self._caught_up, None
        return has

    @property
    def result_of_resume(self) -> str:
        """For the metric: new, resumed or reset."""
        return "reset" if self._reset else "resumed" if self._since else "new"

    def on_event(self, announcement: Announcement) -> list[SendFrame]:
        """Something happened in the user's inbox."""
        message = self.tell(announcement)
        return [] if message is None else [SendFrame(message)]

    def tell(self, announcement: Announcement) -> bytes | None:
        """The message of an event for a client that is live; None: there is none. What `on_event` does, at half of the price."""
        if self.state is not _LIVE:
            if self.state is SessionState.RESUMING:
                self.waiting.put(announcement)
            return None
        feed, user = self._feed, self.user
        if feed is None or user is None or announcement.event.life != user.life:
            return None
        return feed.tell(announcement)

    def on_newer(self) -> list[Action]:
        """Something happened that only a newer version can tell: the client reads its inbox again."""
        live, self._reset = self.state is SessionState.LIVE, "newer"
        self.state = SessionState.RESUMING if live else self.state
        return [LoadInbox(self.user, None)] if live and self.user else []

    def on_applied(self, apply: ApplyChange, updated: int) -> list[Action]:
        """The change is durable and announced."""
        return [_say(OkMessage(kind=apply.kind, ref=apply.ref, updated=updated))]

    def on_failed(self, apply: ApplyChange, code: str, detail: str) -> list[Action]:
        """Refused; or the change may or may not have been made, then the client repeats it."""
        return [_say(ErrorMessage(code=code, detail=detail, ref=apply.ref))]

    def on_unavailable(self) -> list[Action]:
        """The inbox cannot be read now."""
        return self._close(CloseCode.TRY_AGAIN_LATER, "the inbox cannot be read now; come back in some seconds")

    def on_auth_timeout(self) -> list[Action]:
        """No valid token came in time."""
        unidentified = self.state is SessionState.UNIDENTIFIED
        return self._close(CloseCode.AUTH_TIMEOUT, "no auth in time") if unidentified else []

    def on_expiring(self, seconds: int) -> list[Action]:
        """The token ends in so many seconds."""
        return [_say(TokenExpiringMessage(seconds=seconds))] if self.state is not SessionState.CLOSED else []

    def on_expired(self) -> list[Action]:
        """The token has ended, and no new one came."""
        return self._close(CloseCode.UNAUTHORIZED, "the token has expired")

    def on_slow(self) -> list[Action]:
        """The client does not read what is written to it."""
        return self._close(CloseCode.SLOW, "too slow; resume with the cursor")

    def on_replaced(self) -> list[Action]:
        """The user has opened more sockets than one user may have, and this is the oldest."""
        return self._close(CloseCode.REPLACED, "newer sockets of yours took its place")

    def on_restart(self, after_ms: int) -> list[Action]:
        """The process ends."""
        told = [] if self.state is SessionState.CLOSED else [_say(ReconnectMessage(after_ms=after_ms))]
        return [*told, *self._close(CloseCode.RESTART, "restarting")]

    def _close(self, code: CloseCode, reason: str) -> list[Action]:
        if self.state is SessionState.CLOSED:
            return []
        self.state = SessionState.CLOSED
        return [CloseConnection(code, close_reason(reason))]


def _say(message: ServerMessage) -> SendFrame:
    return SendFrame(encode(message))
