"""What one client was told of its inbox: up to where, with which counts. Of events and rows it makes messages."""

from __future__ import annotations

from services.gateway.core import limits
from services.gateway.live.core import announcement as frames
from services.gateway.live.core.actions import InboxSnapshot, SendFrame
from services.gateway.live.core.announcement import Announcement, NotificationEnd
from services.gateway.live.core.counts import Counts
from services.gateway.live.core.cursor import Cursor, Cursors
from services.gateway.live.core.messages import HelloMessage, LiveMessage, ResetMessage, SocketAsOf, encode


class Feed:
    """Of one session that knows whose it is. No item is told twice, none is skipped."""

    __slots__ = ("_counts", "_cursors", "_ending", "_sent", "_session", "_token", "_user")

    def __init__(self, cursors: Cursors, *, session: str, user: str) -> None:
        self._cursors = cursors
        self._session = session
        self._user = user
        self._sent, self._token = -1, 0
        self._counts = Counts()
        self._ending: NotificationEnd | None = None

    def catch_up(self, snapshot: InboxSnapshot, since: Cursor | None) -> list[SendFrame]:
        """What the client has missed.

        Hello has the cursor that the client has, so that whatever part of the rest arrives, none is skipped.
        """
        self._begin(snapshot)
        first = snapshot.rows[0].offset - 1 if snapshot.rows else snapshot.end
        self._sent, self._token = since or Cursor(first, snapshot.token)
        answer = [self._hello()]
        self._token = snapshot.token
        if snapshot.changed:
            answer.append(SendFrame(self._states("sync", frames.states(snapshot.changed))))
        for item in snapshot.rows:
            self._counts.remember(item.offset)
            cursor = self._cursors.encode(item.offset, self._token)
            counts = self._counts
            told = frames.replayed(frames.whole(item), counts, counts.as_of(self._sent), cursor)
            answer.append(SendFrame(told))
        self._sent = max(self._sent, snapshot.end)
        return answer

    def renew(self, snapshot: InboxSnapshot, reason: str) -> list[SendFrame]:
        """The client reads its inbox anew, and gets what comes from now on."""
        self._begin(snapshot)
        self._sent, self._token = snapshot.end, snapshot.token
        return [SendFrame(encode(ResetMessage(reason=reason))), self._hello()]

    def live(self) -> SendFrame:
        """All that was missed is told."""
        return SendFrame(encode(LiveMessage(cursor=self._cursors.write(self._sent, self._token))))

    def tell(self, announcement: Announcement) -> bytes | None:
        """The message of what happened; None: the client knows of it."""
        offset = announcement.created
        if offset is None:
            event = announcement.event
            self._counts.change(event, self._sent)
            self._token = max(self._token, event.at)
            self._ending = None
            return self._states(event.change, announcement.items)
        if offset <= self._sent:
            return None  # a replay carries the stored offset
        self._sent = offset
        counts, ending = self._counts, self._ending
        counts.add(offset)
        if ending is None:
            ending = self._ending = frames.ending(counts.at, self._cursors, self._token)
        return frames.notification(announcement.items, counts, offset, ending)

    def _begin(self, snapshot: InboxSnapshot) -> None:
        self._ending = None
        at = snapshot.token - limits.RESUME_OVERLAP_MS
        self._counts.begin(snapshot.unread, snapshot.unseen, snapshot.end, at)

    def _states(self, change: str, items: bytes) -> bytes:
        counts, cursor = self._counts, self._cursors.encode(self._sent, self._token)
        return frames.state(change, items, counts, counts.as_of(self._sent), cursor)

    def _hello(self) -> SendFrame:
        counts = self._counts
        hello = HelloMessage(
            cursor=self._cursors.write(self._sent, self._token),
            unread=counts.unread,
            unseen=counts.unseen,
            as_of=SocketAsOf(*counts.as_of(self._sent)),
            user=self._user,
            session=self._session,
        )
        return SendFrame(encode(hello))
