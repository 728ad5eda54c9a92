"""One client's session (pure): what comes in becomes actions; no I/O, no clock.

Unidentified -> Resuming -> Live -> Closed. The shell registers the session before it loads rows, so that
between the rows and the live events nothing is missing; what overlaps is dropped by its offset.
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from typing import Final

from services.gateway.live.core import messages
from services.gateway.live.core.actions import Action, Apply, Authenticate, Close, Load, Send, Snapshot, Watch
from services.gateway.live.core.cursor import Cursor, Cursors
from services.gateway.live.core.messages import CHANGES, Announcement, Auth, CloseCode, NotJson, Ping, Read
from services.gateway.rate_limit import Pace
from shared.model import ids
from shared.model.inbox import Change, InboxEvent
from shared.model.users import User

MOST_ROWS: Final = 300
"""More than these are not sent one by one: the client reads the inbox again."""
MOST_BYTES: Final = 524_288
"""The same, by size: what is sent at once must fit into the connection's queue."""
OVERLAP_MS: Final = 5_000
"""How long a change may take from its time stamp until it can be read and is announced."""
RECENT: Final = 256


class State(StrEnum):
    """Where a session stands."""

    UNIDENTIFIED = "unidentified"
    RESUMING = "resuming"
    LIVE = "live"
    CLOSED = "closed"


class Session:
    """The protocol of one connection."""

    def __init__(self, epoch: str) -> None:
        self.state = State.UNIDENTIFIED
        self.user: User | None = None
        self._epoch = epoch
        self._pace = Pace(rate=20, burst=100)
        self._word: str | None = None
        self._cursors = Cursors(epoch, b"")
        self._since: Cursor | None = None
        self._reset: str | None = None
        self._waiting: list[Announcement] = []
        self._sent = -1
        self._token = 0
        self._unread = 0
        self._counted_to = -1
        self._counted_at = 0
        self._recent: deque[int] = deque(maxlen=RECENT)

    def on_open(self, token: str | None, cursor: str | None) -> list[Action]:
        """The handshake is done; both may have come with it."""
        self._word = cursor
        return [] if token is None else [Authenticate(token)]

    def on_frame(self, frame: str | bytes, now: float) -> list[Action]:
        """A message came; `now` in seconds of a monotonic clock."""
        if self.state is State.CLOSED:
            return []
        if not self._pace.take(now):
            return self._close(CloseCode.TOO_MANY_MESSAGES, "too many messages")
        if isinstance(frame, bytes):
            return self._close(CloseCode.BAD_MESSAGE, "messages are JSON text")
        try:
            command = messages.command(frame)
        except NotJson:
            return self._close(CloseCode.BAD_MESSAGE, "messages are JSON text")
        if isinstance(command, Auth):
            self._word = self._word if command.cursor is None else command.cursor
            return [Authenticate(command.token)]
        if self.state is State.UNIDENTIFIED:
            return self._close(CloseCode.UNAUTHORIZED, "the first message is auth")
        if isinstance(command, str):
            return [Send(messages.error("bad_command", command))]
        if isinstance(command, Ping):
            return [Send(messages.pong(command.ref))]
        kind = type(command)
        only = command.notification_type if isinstance(command, Read) else None
        return [Apply(CHANGES[kind], command.ids, only, kind.__name__.lower(), command.ref)]

    def on_user(self, user: User) -> list[Action]:
        """The token is good. A new token on a live connection must be the same user's."""
        if self.state is State.CLOSED:
            return []
        if self.user is not None:
            if (user.tenant, user.id) != (self.user.tenant, self.user.id):
                return self._close(CloseCode.UNAUTHORIZED, "the token is another user's")
            self.user = user
            return [Watch(user.expires_at), Send(messages.ok("auth", None))]
        self.user = user
        self.state = State.RESUMING
        self._cursors = Cursors(self._epoch, ids.user_key(user.tenant, user.id))
        if self._word is not None:
            self._since = self._cursors.read(self._word)
            self._reset = None if self._since else "unknown_cursor"
        return [Watch(user.expires_at), Load(user, self._since)]

    def on_refused(self, detail: str) -> list[Action]:
        """The token is not good; who is live stays so until his old one expires."""
        if self.state in {State.RESUMING, State.LIVE}:
            return [Send(messages.error("unauthorized", detail))]
        return self._close(CloseCode.UNAUTHORIZED, detail)

    def on_rows(self, snapshot: Snapshot) -> list[Action]:
        """What the inbox held; after this the session is live."""
        if self.state is not State.RESUMING or self.user is None:
            return []
        waiting, self._waiting = self._waiting, []
        if len(waiting) > MOST_ROWS or sum(len(announcement.items) for announcement in waiting) > MOST_BYTES:
            self._reset = "too_many"
            return [Load(self.user, None)]
        size = sum(len(item.data) + len(item.body) for item in snapshot.rows)
        if len(snapshot.rows) > MOST_ROWS or len(snapshot.changed) > MOST_ROWS or size > MOST_BYTES:
            self._reset = "too_many"
        if self._since is not None and self._since.offset > snapshot.end:
            self._reset = "unknown_cursor"
        self.state = State.LIVE
        self._unread, self._counted_to = snapshot.unread, snapshot.end
        self._counted_at = snapshot.token - OVERLAP_MS
        answer = self._renew(snapshot) if self._reset else self._catch_up(snapshot)
        self._sent = max(self._sent, snapshot.end)
        for announcement in waiting:
            answer += self.on_event(announcement)
        return answer

    @property
    def result_of_resume(self) -> str:
        """For the metric: new, resumed or reset."""
        return "reset" if self._reset else "resumed" if self._since else "new"

    def on_event(self, announcement: Announcement) -> list[Action]:
        """Something happened in the user's inbox."""
        if self.state is State.RESUMING:
            if len(self._waiting) <= MOST_ROWS:
                self._waiting.append(announcement)
            return []
        if self.state is not State.LIVE:
            return []
        event = announcement.event
        if event.change is Change.CREATED:
            return self._created(announcement, event.items[0].offset)
        self._count(event)
        self._token = max(self._token, event.at)
        cursor = self._cursors.write(self._sent, self._token)
        return [Send(messages.state(event.change, announcement.items, self._unread, cursor))]

    def on_applied(self, apply: Apply, updated: int) -> list[Action]:
        """The change is durable and announced."""
        return [Send(messages.ok(apply.kind, apply.ref, updated))]

    def on_failed(self, apply: Apply, code: str, detail: str) -> list[Action]:
        """Refused; or the change may or may not have been made, then the client repeats it."""
        return [Send(messages.error(code, detail, apply.ref))]

    def on_away(self) -> list[Action]:
        """The inbox cannot be read now."""
        return self._close(CloseCode.TRY_AGAIN_LATER, "the inbox cannot be read now; come back in some seconds")

    def on_auth_timeout(self) -> list[Action]:
        """Nobody said who he is."""
        if self.state is not State.UNIDENTIFIED:
            return []
        return self._close(CloseCode.AUTH_TIMEOUT, "no auth in time")

    def on_expiring(self, seconds: int) -> list[Action]:
        """The token ends in so many seconds."""
        return [Send(messages.token_expiring(seconds))] if self.state is not State.CLOSED else []

    def on_expired(self) -> list[Action]:
        """The token has ended, and no new one came."""
        return self._close(CloseCode.UNAUTHORIZED, "the token has expired")

    def on_slow(self) -> list[Action]:
        """The client does not read what is written to it."""
        return self._close(CloseCode.SLOW, "too slow; resume with the cursor")

    def on_restart(self, after_ms: int) -> list[Action]:
        """The process ends."""
        if self.state is State.CLOSED:
            return []
        return [Send(messages.reconnect(after_ms)), *self._close(CloseCode.RESTART, "restarting")]

    def _renew(self, snapshot: Snapshot) -> list[Action]:
        self._sent, self._token = snapshot.end, snapshot.token
        self._since = None
        return [Send(messages.reset(self._reset or "")), self._hello()]

    def _catch_up(self, snapshot: Snapshot) -> list[Action]:
        """Hello with the cursor that the client has, so that whatever part of the rest arrives, none is skipped."""
        first = snapshot.rows[0].offset - 1 if snapshot.rows else snapshot.end
        self._sent, self._token = self._since or Cursor(first, snapshot.token)
        answer: list[Action] = [self._hello()]
        self._token = snapshot.token
        if snapshot.changed:
            cursor = self._cursors.write(self._sent, self._token)
            answer.append(Send(messages.state("sync", messages.states(snapshot.changed), self._unread, cursor)))
        for item in snapshot.rows:
            answer += self._created(Announcement(InboxEvent(change=Change.CREATED, items=(item,), at=0)), item.offset)
        return answer

    def _hello(self) -> Send:
        assert self.user is not None  # noqa: S101  # the states say so; for the type checker
        return Send(messages.hello(self._cursors.write(self._sent, self._token), self._unread, self.user.id))

    def _created(self, announcement: Announcement, offset: int) -> list[Action]:
        if offset <= self._sent:
            return []  # a replay carries the stored offset
        self._sent = offset
        self._recent.append(offset)
        if offset > self._counted_to:
            self._unread += 1
        cursor = self._cursors.write(offset, self._token)
        return [Send(messages.notification(announcement.items, self._unread, cursor))]

    def _count(self, event: InboxEvent) -> None:
        """Of two counts the later one is right, whichever came first; newer rows come on top of it."""
        if event.unread is None or event.at < self._counted_at:
            return
        self._counted_at = event.at
        self._counted_to = self._sent if event.counted_to is None else event.counted_to
        self._unread = event.unread + sum(offset > self._counted_to for offset in self._recent)

    def _close(self, code: CloseCode, reason: str) -> list[Action]:
        if self.state is State.CLOSED:
            return []
        self.state = State.CLOSED
        return [Close(code, reason)]
