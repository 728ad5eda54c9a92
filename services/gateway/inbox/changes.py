"""Changing an inbox: the rows first, then their inbox events and statuses, and only then the caller's answer.

Every call announces again what it names, so repeating a call that was cut short completes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.gateway.inbox.snoozing import check_snooze
from services.gateway.inbox.store import InboxStore
from services.gateway.inbox.types import type_filter
from shared.catalog.cache import Catalog
from shared.model import ids as derived
from shared.model.inbox import Change, InboxEvent, InboxItem, copy_of, encode, item_state, notification_of
from shared.model.outputs import Output
from shared.model.ports import RecordWriter
from shared.model.statuses import Subject, status
from shared.model.timestamps import rfc3339
from shared.model.topics import Topics
from shared.model.users import User
from shared.process.clock import now_ms

_UNDONE_TIMES: Final = {
    Change.READ: "unread_times",
    Change.UNREAD: "unread_times",
    Change.ARCHIVED: "unarchived_times",
    Change.UNARCHIVED: "unarchived_times",
    Change.SNOOZED: "snoozed_times",
    Change.UNSNOOZED: "snoozed_times",
}
"""What can be undone and done again, and the item's count of it."""


class Changes:
    """Changes items and announces it: one inbox event per page, one status per item."""

    def __init__(self, store: InboxStore, writer: RecordWriter, topics: Topics, catalog: Catalog) -> None:
        self._store = store
        self._writer = writer
        self._catalog = catalog
        self._topics = topics

    async def apply(self, user: User, change: Change, ids: Sequence[str], until: int | None = None) -> int:
        """How many of `ids` are the user's; `until`: of SNOOZED, in milliseconds since the epoch.

        Raises BadSnooze; MongoUnavailable or KafkaUnavailable: then repeat it.
        """
        check_snooze(change, until, now_ms())
        items = await self._store.change(user, change, ids, until)
        if items:
            await self._announce(user, change, items)
        return len(items)

    async def read_all(self, user: User, notification_type: str | None) -> int:
        """How many became read (None: of any type).

        Raises UnknownNotificationType; MongoUnavailable or KafkaUnavailable: then repeat it.
        """
        only = type_filter(self._catalog, user.tenant, notification_type)
        changed = await self._store.read_all(user, only)
        async for items in self._store.read_lately(user, only):
            await self._announce(user, Change.READ, items)
        return changed

    async def _announce(self, user: User, change: Change, items: list[InboxItem]) -> None:
        count = await self._store.unread(user)
        event = InboxEvent(
            change=change,
            items=tuple(item_state(item) for item in items),
            at=max(item.updated_at or 0 for item in items),
            unread=count.unread,
            counted_to=count.end,
            unseen=count.unseen,
            life=user.life,
        )
        key = derived.user_key(user.tenant, user.id)
        outputs = [Output(self._topics.inbox, key, encode(event), [])]
        outputs += [self._status(user, change, item) for item in items]
        await self._writer.publish(outputs)

    def _status(self, user: User, change: Change, item: InboxItem) -> Output:
        """Its pass is how often the change was undone: a repeated call has the same id, reading once more another."""
        times = getattr(item, _UNDONE_TIMES[change]) if change in _UNDONE_TIMES else 0
        until = {"until": rfc3339(item.snoozed_until)} if change is Change.SNOOZED and item.snoozed_until else {}
        return status(
            self._topics.statuses,
            area="inbox",
            state=change,
            subject=Subject(item.id, 0, times),
            tenant=user.tenant,
            user=user.id,
            at=item.updated_at or now_ms(),
            data={"notification": notification_of(item), "workflow": item.workflow} | until | copy_of(item),
        )
