"""What time does to inboxes, told to sockets and as statuses: items that are over, items that are back.

So are changes that a gateway made and died before it told of them.

Whoever reads an inbox knows by their own clock; this is for who is connected, and a moment later than the time.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final, Protocol

from shared.model import ids
from shared.model.errors import KafkaUnavailable
from shared.model.inbox import InboxEvent, encode, item_state
from shared.model.inbox_statuses import changed_status
from shared.model.inbox_times import TimedChange, TimedChanges
from shared.model.outputs import Output
from shared.model.ports import RecordWriter
from shared.model.topics import Topics
from shared.process.failpoints import Failpoint, failpoint
from shared.process.metrics import INBOX_TIMES
from shared.process.retries import retry_until_available

IDLE_SECONDS: Final = 1.0
TELL_SECONDS: Final = 2.0
"""What the log may take. A client that comes back is told what was changed a few seconds before it went."""


class TimedStore(Protocol):
    """Items whose time has come. All methods raise MongoUnavailable."""

    async def take(self) -> TimedChanges:
        """Changes what is due, and takes what nobody has told."""
        ...

    async def done(self, taken: TimedChanges, /) -> None:
        """All of it is durable on the log."""
        ...


class TimesWriter(RecordWriter, Protocol):
    """A writer that can be told to give up."""

    async def discard(self) -> None:
        """Drops what it has not written; the next `publish` begins anew."""
        ...


class Times:
    """Looks every second, and tells what it took."""

    def __init__(self, *, store: TimedStore, publisher: TimesWriter, topics: Topics) -> None:
        self._store = store
        self._publisher = publisher
        self._topics = topics

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; what was taken is told first. Waits while MongoDB or Kafka are unavailable."""
        while not stop.is_set():
            if await retry_until_available(self.look):
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(IDLE_SECONDS):
                    await stop.wait()

    async def look(self) -> bool:
        """One slice; whether more may be due. Raises MongoUnavailable or KafkaUnavailable: the slice is taken again."""
        taken = await self._store.take()
        if not taken.rows:
            return taken.more
        failpoint(Failpoint.AFTER_INBOX_TIMES)
        await self._publish([output for each in taken.changes for output in timed(self._topics, each)])
        await self._store.done(taken)
        for each in taken.changes:
            INBOX_TIMES.labels(each.change).inc(len(each.items))
        return taken.more

    async def _publish(self, outputs: list[Output]) -> None:
        try:
            async with asyncio.timeout(TELL_SECONDS):
                await self._publisher.publish(outputs)
        except TimeoutError:
            await self._publisher.discard()
            raise KafkaUnavailable("it does not take what time did to inboxes; it is told again") from None


def timed(topics: Topics, changed: TimedChange) -> list[Output]:
    """One event for the sockets, with absolute counts, and a status for each item."""
    tenant, user, life, change, items, unread, counted_to, unseen = changed
    event = InboxEvent(
        change=change,
        items=tuple(item_state(item) for item in items),
        at=max(item.updated_at or 0 for item in items),
        unread=unread,
        counted_to=counted_to,
        unseen=unseen,
        life=life,
    )
    statuses = [changed_status(topics.statuses, tenant, user, change, item, at=event.at) for item in items]
    return [Output(topics.inbox, ids.user_key(tenant, user), encode(event), []), *statuses]
