"""One client's session: what comes in becomes actions.

Unidentified -> Resuming -> Live -> Closed. The shell registers the session before it loads rows, so that
between the rows and the live events nothing is missing; what overlaps is dropped by its offset.
"""

from __future__ import annotations

from collections import deque

import msgspec

from services.gateway.core import limits
from services.gateway.core.as_of import AsOf
from services.gateway.live.core import commands, messages
from services.gateway.live.core.actions import (
    Action,
    ApplyChange,
    Authenticate,
    CloseConnection,
    InboxSnapshot,
    LoadInbox,
    SendFrame,
    WatchToken,
)
from services.gateway.live.core.cursor import Cursor, Cursors
from services.gateway.live.core.messages import Announcement, CloseCode
from services.gateway.live.core.state import SessionState
from services.gateway.live.core.waiting import WaitingEvents
from shared.model import ids
from shared.model.inbox import InboxEvent
from shared.model.token_buckets import TokenBucket
from shared.model.users import User


class Session:
    """The protocol of one connection."""

    def __init__(self, epoch: str) -> None:
        self.state = SessionState.UNIDENTIFIED
        self.user: User | None = None
        self._epoch = epoch
        self._erased = 0
        self._bucket = TokenBucket(rate=limits.MESSAGES_PER_SECOND, burst=limits.MESSAGE_BURST)
        self._cursor_text: str | None = None
        self._cursors = Cursors(epoch, b"")
        self._since: Cursor | None = None
        self._reset: str | None = None
        self._waiting = WaitingEvents()
        self._sent, self._token = -1, 0
        self._unread, self._counted_to, self._counted_at = 0, -1, 0
        self._recent: deque[int] = deque(maxlen=limits.RECENT_OFFSETS)

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
            command = commands.decode_command(frame)
        except commands.NotJson:
            return self._close(CloseCode.BAD_MESSAGE, "messages are JSON text")
        if isinstance(command, commands.AuthCommand):
            self._cursor_text = self._cursor_text if command.cursor is None else command.cursor
            return [Authenticate(command.token, command.ref)]
        if self.state is SessionState.UNIDENTIFIED:
            problem = f": {command.detail}" if isinstance(command, commands.BadCommand) else ""
            return self._close(CloseCode.UNAUTHORIZED, f"the first message is auth, with a token{problem}")
        if isinstance(command, commands.BadCommand):
            return [SendFrame(messages.error("bad_command", command.detail, command.ref))]
        if isinstance(command, commands.PingCommand):
            return [SendFrame(messages.pong(command.ref))]
        only = command.notification_type if isinstance(command, commands.ReadCommand) else None
        return [ApplyChange(command.change, command.ids, only, commands.kind_of(command), command.ref)]

    def on_user(self, user: User, ref: str | None = None) -> list[Action]:
        """The token is good. A new token on a live connection must be the same user's."""
        if self.state is SessionState.CLOSED:
            return []
        if self.user is not None and (user.tenant, user.id) != (self.user.tenant, self.user.id):
            return self._close(CloseCode.UNAUTHORIZED, "the token is another user's")
        if self.user is not None:
            self.user = msgspec.structs.replace(user, life=self.user.life)
            return [WatchToken(user.expires_at), SendFrame(messages.ok("auth", ref))]
        self.user = user
        self.state = SessionState.RESUMING
        self._cursors = Cursors(self._epoch, ids.user_key(user.tenant, user.id))
        if self._cursor_text is not None:
            self._since = self._cursors.read(self._cursor_text)
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
            return [SendFrame(messages.error("unauthorized", detail, ref))]
        return self._close(CloseCode.UNAUTHORIZED, detail)

    def on_rows(self, snapshot: InboxSnapshot) -> list[Action]:
        """What the inbox held; after this the session is live."""
        if self.state is not SessionState.RESUMING or self.user is None:
            return []
        if self.user.life < self._erased:
            return self.on_deleted()
        if (waiting := self._waiting.take()) is None:
            self._reset = "too_many"
            return [LoadInbox(self.user, None)]
        if snapshot.too_many:
            self._reset = "too_many"
        if self._since and self._since.offset > snapshot.end:
            self._reset = "unknown_cursor"
        self.state = SessionState.LIVE
        self._unread, self._counted_to = snapshot.unread, snapshot.end
        self._counted_at = snapshot.token - limits.RESUME_OVERLAP_MS
        answer = [] if self._reset else self._catch_up(snapshot)
        if sum(len(frame.payload) for frame in answer) > limits.MAX_CATCH_UP_BYTES:
            self._reset = "too_many"
        if self._reset:
            answer = self._renew(snapshot)
        self._sent = max(self._sent, snapshot.end)
        for announcement in waiting:
            answer += self.on_event(announcement)
        return [*answer]

    @property
    def result_of_resume(self) -> str:
        """For the metric: new, resumed or reset."""
        return "reset" if self._reset else "resumed" if self._since else "new"

    def on_event(self, announcement: Announcement) -> list[SendFrame]:
        """Something happened in the user's inbox."""
        if self.state is SessionState.RESUMING:
            self._waiting.put(announcement)
            return []
        event = announcement.event
        if self.state is not SessionState.LIVE or self.user is None or event.life != self.user.life:
            return []
        if announcement.created is not None:
            return self._created(announcement, announcement.created)
        self._count(event)
        self._token = max(self._token, event.at)
        cursor = self._cursors.encode(self._sent, self._token)
        return [SendFrame(messages.state(event.change, announcement.items, self._unread, self._as_of(), cursor))]

    def on_newer(self) -> list[Action]:
        """Something happened that only a newer version can tell: the client reads its inbox again."""
        live, self._reset = self.state is SessionState.LIVE, "newer"
        self.state = SessionState.RESUMING if live else self.state
        return [LoadInbox(self.user, None)] if live and self.user else []

    def on_applied(self, apply: ApplyChange, updated: int) -> list[Action]:
        """The change is durable and announced."""
        return [SendFrame(messages.ok(apply.kind, apply.ref, updated))]

    def on_failed(self, apply: ApplyChange, code: str, detail: str) -> list[Action]:
        """Refused; or the change may or may not have been made, then the client repeats it."""
        return [SendFrame(messages.error(code, detail, apply.ref))]

    def on_unavailable(self) -> list[Action]:
        """The inbox cannot be read now."""
        return self._close(CloseCode.TRY_AGAIN_LATER, "the inbox cannot be read now; come back in some seconds")

    def on_auth_timeout(self) -> list[Action]:
        """No valid token came in time."""
        unidentified = self.state is SessionState.UNIDENTIFIED
        return self._close(CloseCode.AUTH_TIMEOUT, "no auth in time") if unidentified else []

    def on_expiring(self, seconds: int) -> list[Action]:
        """The token ends in so many seconds."""
        return [SendFrame(messages.token_expiring(seconds))] if self.state is not SessionState.CLOSED else []

    def on_expired(self) -> list[Action]:
        """The token has ended, and no new one came."""
        return self._close(CloseCode.UNAUTHORIZED, "the token has expired")

    def on_slow(self) -> list[Action]:
        """The client does not read what is written to it."""
        return self._close(CloseCode.SLOW, "too slow; resume with the cursor")

    def on_restart(self, after_ms: int) -> list[Action]:
        """The process ends."""
        told = [] if self.state is SessionState.CLOSED else [SendFrame(messages.reconnect(after_ms))]
        return [*told, *self._close(CloseCode.RESTART, "restarting")]

    def _renew(self, snapshot: InboxSnapshot) -> list[SendFrame]:
        self._sent, self._token, self._since = snapshot.end, snapshot.token, None
        return [SendFrame(messages.reset(self._reset or "")), self._hello()]

    def _catch_up(self, snapshot: InboxSnapshot) -> list[SendFrame]:
        """Hello with the cursor that the client has, so that whatever part of the rest arrives, none is skipped."""
        first = snapshot.rows[0].offset - 1 if snapshot.rows else snapshot.end
        self._sent, self._token = self._since or Cursor(first, snapshot.token)
        answer = [self._hello()]
        self._token = snapshot.token
        if snapshot.changed:
            states, cursor = messages.states(snapshot.changed), self._cursors.encode(self._sent, self._token)
            answer.append(SendFrame(messages.state("sync", states, self._unread, self._as_of(), cursor)))
        for item in snapshot.rows:
            self._recent.append(item.offset)
            cursor = self._cursors.encode(item.offset, self._token)
            answer.append(SendFrame(messages.replayed(messages.whole(item), self._unread, self._as_of(), cursor)))
        return answer

    def _hello(self) -> SendFrame:
        assert self.user is not None  # noqa: S101  # the states say so; for the type checker
        cursor = self._cursors.encode(self._sent, self._token)
        return SendFrame(messages.hello(cursor, self._unread, self._as_of(), self.user.id))

    def _as_of(self) -> AsOf:
        return AsOf(max(self._sent, self._counted_to), self._counted_at)

    def _created(self, announcement: Announcement, offset: int) -> list[SendFrame]:
        if offset <= self._sent:
            return []  # a replay carries the stored offset
        self._sent = offset
        self._recent.append(offset)
        self._unread += offset > self._counted_to
        end = max(self._counted_to, offset)
        cursor = self._cursors.encode(offset, self._token)
        return [SendFrame(messages.notification(announcement.items, self._unread, end, self._counted_at, cursor))]

    def _count(self, event: InboxEvent) -> None:
        """Of two counts the later one is right, whichever came first; newer rows come on top of it."""
        if event.unread is None or event.at < self._counted_at:
            return
        self._counted_at = event.at
        self._counted_to = self._sent if event.counted_to is None else event.counted_to
        self._unread = event.unread + sum(offset > self._counted_to for offset in self._recent)

    def _close(self, code: CloseCode, reason: str) -> list[Action]:
        if self.state is SessionState.CLOSED:
            return []
        self.state = SessionState.CLOSED
        return [CloseConnection(code, messages.close_reason(reason))]
