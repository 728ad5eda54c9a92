"""Fan-outs, their members and subscriptions in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from shared.model.errors import MongoUnavailable
from shared.model.fanouts import (
    PAGE,
    FanoutPage,
    FanoutProgress,
    FanoutState,
    Member,
    MemberPage,
    StartedFanout,
    TakenPage,
    listed_from,
    takes,
)
from shared.model.outputs import Coordinates
from shared.model.profiles import Preferences
from shared.model.subscriptions import Subscription, SubscriptionKey
from shared.process.clock import now_ms
from tests.support.twins.outages import Outages


class MemoryFanouts:
    """A FanoutStore, and what the APIs ask of one."""

    def __init__(self) -> None:
        self.started: dict[str, StartedFanout] = {}
        self.rows: dict[str, FanoutProgress] = {}
        self.at: dict[str, Coordinates] = {}
        self.outages = Outages(MongoUnavailable)

    async def insert(self, fanouts: Sequence[StartedFanout]) -> None:
        async with self.outages.call():
            for fanout in fanouts:
                template = fanout.template
                self.started.setdefault(fanout.id, fanout)
                self.rows.setdefault(
                    fanout.id,
                    FanoutProgress(
                        id=fanout.id,
                        tenant=fanout.tenant,
                        event=template.event_id,
                        workflow=template.workflow,
                        version=template.version,
                        state=FanoutState.RUNNING,
                        pages=0,
                        recipients=0,
                        skipped=0,
                        started_at=now_ms(),
                        topic=fanout.topic,
                        listed=len(fanout.listed) or None,
                    ),
                )

    async def take(self, page: FanoutPage, at: Coordinates) -> TakenPage | None:
        async with self.outages.call():
            return self._take(page, at)

    def _take(self, page: FanoutPage, at: Coordinates) -> TakenPage | None:
        row = self.rows.get(page.fanout)
        if row is None or not takes(page, row.pages, at, self.at.get(page.fanout)):
            return None
        if row.state is FanoutState.RUNNING and page.page == row.pages + 1:
            self.at[page.fanout] = at
            self.rows[page.fanout] = msgspec.structs.replace(
                row, pages=page.page, recipients=page.recipients, skipped=page.skipped
            )
        fanout, begin = self.started[page.fanout], listed_from(page.cursor)
        return TakenPage(
            fanout=msgspec.structs.replace(fanout, listed=fanout.listed[begin : begin + PAGE]),
            page=page,
            is_listed=bool(fanout.listed),
            cancelled=row.state is FanoutState.CANCELLED,
        )

    async def end(self, page: FanoutPage) -> FanoutState:
        async with self.outages.call():
            row = self.rows[page.fanout]
            if row.state is FanoutState.RUNNING and row.pages == page.page:
                row = self.rows[page.fanout] = msgspec.structs.replace(
                    row,
                    state=FanoutState.DONE,
                    recipients=page.recipients,
                    skipped=page.skipped,
                    ended_at=now_ms(),
                )
            return row.state

    async def cancel(self, tenant: str, fanout: str) -> FanoutProgress | None:
        row = await self.find(tenant, fanout)
        if row is not None and row.state is FanoutState.RUNNING:
            row = self.rows[fanout] = msgspec.structs.replace(row, state=FanoutState.CANCELLED, ended_at=now_ms())
        return row

    async def find(self, tenant: str, fanout: str) -> FanoutProgress | None:
        async with self.outages.call():
            row = self.rows.get(fanout)
            return row if row is not None and row.tenant == tenant else None

    async def newest(self, tenant: str, *, most: int) -> list[FanoutProgress]:
        found = [row for row in self.rows.values() if row.tenant == tenant]
        return sorted(found, key=lambda row: row.started_at, reverse=True)[:most]


class MemorySubscriptions:
    """What `Subscriptions` does; the lives of users are set by tests."""

    def __init__(self) -> None:
        self.rows: dict[SubscriptionKey, Subscription] = {}
        self.known_lives: dict[tuple[str, str], int] = {}
        self.outages = Outages(MongoUnavailable)

    async def lives(self, tenant: str, users: Collection[str]) -> dict[str, int]:
        return {user: self.known_lives.get((tenant, user), 0) for user in users}

    async def put(
        self, tenant: str, topic: str, lives: Mapping[str, int], preferences: Preferences | None = None
    ) -> None:
        for user, life in lives.items():
            key = SubscriptionKey(tenant, topic, user)
            before = self.rows.get(key)
            before = before if before is not None and before.life >= life else None
            kept = before.preferences if before is not None else Preferences()
            self.rows[key] = Subscription(
                tenant=tenant,
                topic=topic,
                user=user,
                life=life,
                preferences=kept if preferences is None else preferences,
                changed_at=now_ms() if preferences is not None else before.changed_at if before is not None else 0,
            )

    async def remove(self, tenant: str, topic: str, users: Collection[str]) -> int:
        found = [self.rows.pop(SubscriptionKey(tenant, topic, user), None) for user in set(users)]
        return sum(each is not None for each in found)

    async def of_topic(self, tenant: str, topic: str, *, after: str = "", most: int) -> list[Subscription]:
        found = [each for key, each in self.rows.items() if key[:2] == (tenant, topic) and key.user > after]
        return sorted(found, key=lambda each: each.user)[:most]

    async def of_user(self, tenant: str, user: str, *, after: str = "", most: int) -> list[Subscription]:
        found = [each for key, each in self.rows.items() if (key.tenant, key.user) == (tenant, user)]
        return sorted([each for each in found if each.topic > after], key=lambda each: each.topic)[:most]

    async def find(self, wanted: Iterable[SubscriptionKey]) -> dict[SubscriptionKey, Subscription]:
        async with self.outages.call():
            return {key: self.rows[key] for key in wanted if key in self.rows}


class MemoryMembers:
    """A MemberReader over subscriptions, and lists; there is no other user."""

    def __init__(self, subscriptions: MemorySubscriptions) -> None:
        self._subscriptions = subscriptions
        self.outages = Outages(MongoUnavailable)

    async def page(self, taken: TakenPage) -> MemberPage:
        fanout, cursor = taken.fanout, taken.page.cursor
        async with self.outages.call():
            if taken.is_listed:
                named = [Member(each.id, None, each.contact) for each in fanout.listed]
                following = str(listed_from(cursor) + PAGE)
            else:
                found = await self._subscriptions.of_topic(fanout.tenant, fanout.topic or "", after=cursor, most=PAGE)
                named = [Member(each.user, each.life) for each in found]
                following = named[-1].user if named else ""
        return MemberPage(tuple(named), 0, following if len(named) == PAGE else None)
