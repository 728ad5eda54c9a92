"""What happened before, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from shared.deciding.asked import Asked
from shared.deciding.digest_content import ShownBytes, is_bound
from shared.deciding.facts import collapse_id
from shared.deciding.history import Count, DigestContent, Newest, OpenDigest, StepOutcome
from shared.deciding.history_book import LoadedHistory
from shared.deciding.history_changes import Decided, NewCount, NewDigest, NewMember, NewNewest, NewRun
from shared.deciding.items import Gathered
from shared.model import formats
from shared.model.errors import MongoUnavailable
from shared.model.formats import NewerFormat
from shared.model.preferences import NOTHING_SET
from shared.model.profiles import Preferences
from shared.model.subscriptions import SubscriptionKey
from shared.mongo.history_rows import PASSED
from shared.process.clock import now_ms
from tests.support.twins.fanouts import MemorySubscriptions
from tests.support.twins.outages import Outages


@dataclass
class _Slot:
    offset: int
    open: OpenDigest | None


@dataclass
class MemoryHistories:
    """A HistoryStore. `outcomes` and `online` are what the ledger, the inbox and the gateways would say."""

    outcomes: dict[str, Mapping[str, StepOutcome]] = field(default_factory=dict)
    cancel_counts: dict[str | None, int] = field(default_factory=dict)
    """By key: what the counters of cancellations would say."""
    subscriptions: MemorySubscriptions = field(default_factory=MemorySubscriptions)
    online: set[str] = field(default_factory=set)
    newer: set[str | None] = field(default_factory=set)
    """Rows that a newer version wrote."""
    counters: dict[str, tuple[Count, ...]] = field(default_factory=dict)
    slots: dict[str, _Slot] = field(default_factory=dict)
    members: dict[str, dict[str, NewMember]] = field(default_factory=dict)
    newest: dict[str, Newest] = field(default_factory=dict)
    newest_offsets: dict[str, int] = field(default_factory=dict)
    runs: dict[str, tuple[tuple[int, int], NewRun]] = field(default_factory=dict)
    outages: Outages = field(default_factory=lambda: Outages(MongoUnavailable))

    async def load(self, asked: Sequence[Asked]) -> LoadedHistory:
        async with self.outages.call():
            if any(self.newer & {*each.counters, *each.slots, each.collapse, each.superseded} for each in asked):
                raise NewerFormat("counter", formats.FORMAT + 1)
            slots = {slot: self.slots[slot].open for each in asked for slot in each.slots if slot in self.slots}
            return LoadedHistory(
                counters={one: self.counters[one] for each in asked for one in each.counters if one in self.counters},
                digests={slot: open_ for slot, open_ in slots.items() if open_ is not None},
                contents={
                    each.digest: self._content(each.digest, each.shown, each.closed) for each in asked if each.digest
                },
                newest={
                    place: self.newest[place]
                    for each in asked
                    for place in (each.collapse, each.superseded)
                    if place is not None and place in self.newest
                },
                outcomes={
                    each.outcomes.id: self.outcomes[each.outcomes.id]
                    for each in asked
                    if each.outcomes is not None and each.outcomes.id in self.outcomes
                },
                online=frozenset(self.online & {each.online for each in asked}),
            )

    async def apply(self, decided: Sequence[Decided]) -> None:
        async with self.outages.call():
            for each in decided:
                for change in each.changes():
                    self._apply(change, each)

    def _apply(self, change: object, each: Decided) -> None:
        if isinstance(change, NewCount):
            known = self.counters.get(change.counter, ())
            if all(count.notification != change.notification for count in known):
                new = Count(notification=change.notification, at=change.at)
                self.counters[change.counter] = (*known, new)[-(change.most + PASSED) :]
        elif isinstance(change, NewMember):
            self.members.setdefault(change.digest, {}).setdefault(change.notification, change)
        elif isinstance(change, NewNewest):
            newest = self.newest.get(change.slot)
            offset = each.coordinates.offset
            place = change.newest.happened_at, offset
            if newest is None or (newest.happened_at, self.newest_offsets.get(change.slot, 0)) <= place:
                self.newest[change.slot], self.newest_offsets[change.slot] = change.newest, offset
        elif isinstance(change, NewDigest):
            self._put(change, each.coordinates.offset)
        elif isinstance(change, NewRun):
            place = each.generation, each.pass_
            if change.notification not in self.runs or self.runs[change.notification][0] <= place:
                self.runs[change.notification] = place, change

    def _put(self, change: NewDigest, offset: int) -> None:
        slot = self.slots.get(change.slot)
        before = slot.open if slot is not None else None
        if slot is not None and slot.offset > offset:
            return
        same = before is not None and before.id == change.digest
        if change.open is None:
            if same:
                self.slots[change.slot] = _Slot(offset, None)
            return
        hold = change.open.hold or (before.hold if before is not None and same else None)
        self.slots[change.slot] = _Slot(offset, msgspec.structs.replace(change.open, hold=hold))

    def _content(self, digest: str, shown: int, closed: Gathered | None) -> DigestContent:
        members = sorted(self.members.get(digest, {}).values(), key=lambda member: member.number)
        if closed is not None:
            frozen = [member for member in members if member.notification in closed.members]
            return DigestContent(
                numbered=closed.items,
                members=tuple(member.notification for member in frozen),
                data=tuple(msgspec.Raw(member.data) for member in frozen),
            )
        gone = frozenset(member.notification for member in members if self._is_gone(member))
        there = [member for member in members if member.notification not in gone][:shown]
        came = {member.notification: self._wants(member) for member in members if member.about.topic is not None}
        wants = {notification: each for notification, each in came.items() if is_bound(each)}
        room = ShownBytes()
        seen = [member for member in there if room.take(member.data, wants.get(member.notification, NOTHING_SET))]
        return DigestContent(
            numbered=members[-1].number if members else 0,
            members=tuple(member.notification for member in seen),
            data=tuple(msgspec.Raw(member.data) for member in seen),
            gone=gone,
            wants=wants,
        )

    def _wants(self, member: NewMember) -> Preferences | None:
        about = member.about
        mine = self.subscriptions.rows.get(SubscriptionKey(about.tenant, about.topic or "", about.user))
        return mine.preferences if mine is not None and mine.life == about.life else None

    def _is_gone(self, member: NewMember) -> bool:
        about = member.about
        newest = self.newest.get(collapse_id(about, about.life)) if about.collapse_key is not None else None
        return (
            (newest is not None and newest.notification != about.id)
            or self.cancel_counts.get(about.cancellation_key, 0) > about.cancel_count
            or (about.expires_for_good and about.expires_at <= now_ms())
        )
