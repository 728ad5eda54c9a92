"""Changing an inbox: the rows first, then their inbox events and statuses, and only then the caller's answer.

Every call announces again what it names, so repeating a call that was cut short completes it. Until it is announced the
rows say that they are not told of; when nobody repeats it, the in_app channel tells of them (InboxTimes).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from uuid import uuid4

from services.gateway.inbox.snoozing import check_snooze
from services.gateway.inbox.store import InboxStore
from services.gateway.inbox.types import type_filter
from shared.catalog.cache import Catalog
from shared.model import ids as derived
from shared.model.errors import MongoUnavailable
from shared.model.inbox import Change, InboxEvent, InboxItem, encode, item_state
from shared.model.inbox_statuses import changed_status
from shared.model.outputs import Output
from shared.model.ports import RecordWriter
from shared.model.topics import Topics
from shared.model.users import User
from shared.process.clock import now_ms


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
        token = uuid4().hex
        items = await self._store.change(user, change, ids, until, token=token)
        if items:
            await self._announce(user, change, items)
            await self._told(user, token)
        return len(items)

    async def read_all(self, user: User, notification_type: str | None) -> int:
        """How many became read (None: of any type).

        Raises UnknownNotificationType; MongoUnavailable or KafkaUnavailable: then repeat it.
        """
        only = type_filter(self._catalog, user.tenant, notification_type)
        token = uuid4().hex
        changed = await self._store.read_all(user, only, token=token)
        async for items in self._store.read_lately(user, only):
            await self._announce(user, Change.READ, items)
        if changed:
            await self._told(user, token)
        return changed

    async def _told(self, user: User, token: str) -> None:
        with suppress(MongoUnavailable):  # then it is told once more
            await self._store.done(user, token)

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
        statuses = self._topics.statuses
        outputs += [changed_status(statuses, user.tenant, user.id, change, item, at=event.at) for item in items]
        await self._writer.publish(outputs)
