"""What waits for producers' senders, in memory. Several of them on the same rows are several processes."""

from __future__ import annotations

from uuid import uuid4

import msgspec

from shared.model import formats
from shared.model.claims import LedgerEntry
from shared.model.deliveries import DeliveryResult, DeliveryState
from shared.model.errors import MongoUnavailable
from shared.model.pull import (
    NOBODY,
    PulledDelivery,
    PullReport,
    ReportAnswer,
    ReportKind,
    RowPlace,
    TakenDelivery,
    first_look,
    next_look,
    place_of,
)
from shared.process.clock import now_ms
from tests.support.twins.outages import Outages


class MemoryPullRow(msgspec.Struct, kw_only=True):
    """One delivery; of one that is done with, `ready` is False and nobody looks at it any more."""

    pulled: PulledDelivery
    state: DeliveryState = DeliveryState.CLAIMED
    ready: bool = True
    there: bool = True
    """Its content is."""
    token: str | None = None
    by: str = ""
    format: int = formats.OLDEST

    @property
    def at(self) -> tuple[int, int]:
        return self.pulled.delivery.generation, self.pulled.delivery.pass_

    @property
    def tenant(self) -> str:
        return self.pulled.delivery.notification.tenant

    def change(self, **changes: object) -> None:
        self.pulled = msgspec.structs.replace(self.pulled, **changes)

    def is_held(self, tenant: str, token: str) -> bool:
        mine = self.there and self.tenant == tenant and self.token == token
        return mine and self.state is DeliveryState.CLAIMED and self.pulled.report is None


class MemoryPull:
    """A PullQueue and a PullSenders."""

    def __init__(self, rows: dict[str, MemoryPullRow] | None = None, *, look_ms: int = 30_000) -> None:
        self.rows = {} if rows is None else rows
        self.outages = Outages(MongoUnavailable)
        self._look_ms = look_ms
        self._by = uuid4().hex

    async def insert(self, batch: list[PulledDelivery]) -> list[RowPlace]:
        async with self.outages.call():
            return [self._insert(pulled) for pulled in batch]

    def _insert(self, pulled: PulledDelivery) -> RowPlace:
        delivery = pulled.delivery
        row = self.rows.get(delivery.id)
        place = RowPlace.BEHIND
        if row is not None:
            entry = LedgerEntry(
                generation=row.at[0],
                pass_=row.at[1],
                state=row.state,
                token=NOBODY,
                lease_seconds=0,
                result=row.pulled.result,
                format=row.format,
            )
            try:
                place = place_of(entry, delivery)
            except formats.NewerFormat as newer:
                raise newer.of(pulled.received.record.coordinates) from None
        if place is RowPlace.BEHIND:
            fresh = msgspec.structs.replace(pulled, look=first_look(pulled))
            self.rows[delivery.id] = MemoryPullRow(pulled=fresh, ready=pulled.is_anybodys)
        return place

    async def claim(self, *, most: int) -> list[PulledDelivery]:
        async with self.outages.call():
            now = now_ms()
            due = [row for row in self.rows.values() if row.there and row.pulled.look <= now and _readable(row)]
            found = sorted(due, key=lambda row: row.pulled.look)[:most]
            for row in found:
                row.change(look=now + self._look_ms)
                row.by = self._by
            return [row.pulled for row in found]

    async def record(self, results: list[tuple[PulledDelivery, DeliveryResult]]) -> set[str]:
        async with self.outages.call():
            for pulled, result in results:
                row = self._as_claimed(pulled)
                if row is not None and row.state is DeliveryState.CLAIMED:
                    row.state, row.ready = result.state, False
                    row.change(result=result)
            rows = [(pulled.delivery, self.rows[pulled.delivery.id]) for pulled, _ in results]
            return {
                delivery.id
                for delivery, row in rows
                if row.by == self._by
                and row.at == (delivery.generation, delivery.pass_)
                and row.state is not DeliveryState.CLAIMED
            }

    async def keep(self, waiting: list[PulledDelivery]) -> None:
        async with self.outages.call():
            for pulled in waiting:
                row = self._as_claimed(pulled)
                if row is not None:
                    row.change(look=next_look(pulled.delivery, now_ms()))

    async def done(self, ended: list[PulledDelivery]) -> None:
        async with self.outages.call():
            for pulled in ended:
                row = self.rows[pulled.delivery.id]
                here = row.at == (pulled.delivery.generation, pulled.delivery.pass_)
                if here and row.state is not DeliveryState.CLAIMED:
                    row.there = False

    async def count(self, *, most: int) -> int:
        async with self.outages.call():
            return min(most, sum(row.ready for row in self.rows.values()))

    def _as_claimed(self, pulled: PulledDelivery) -> MemoryPullRow | None:
        row = self.rows.get(pulled.delivery.id)
        if row is None or row.by != self._by or row.pulled.look != pulled.look:
            return None
        return row if row.at == (pulled.delivery.generation, pulled.delivery.pass_) else None

    async def waiting(self, tenant: str, *, workflow: str | None, most: int) -> list[PulledDelivery]:
        async with self.outages.call():
            found = [row.pulled for row in self.rows.values() if _may_be_taken(row, tenant)]
            wanted = [each for each in found if workflow in (None, each.delivery.notification.workflow)]
            return sorted(wanted, key=_urgency)[:most]

    async def send_back(self, tenant: str, stale: list[PulledDelivery]) -> None:
        async with self.outages.call():
            now = now_ms()
            for row in self._may_be_taken(tenant, stale):
                row.token, row.ready = NOBODY, False
                row.change(look=0, lease_until=now, taken_at=now, report=PullReport(kind=ReportKind.STALE, at=now))

    async def take(
        self, tenant: str, found: list[PulledDelivery], *, token: str, lease_seconds: int
    ) -> list[TakenDelivery]:
        async with self.outages.call():
            now = now_ms()
            until = now + lease_seconds * 1000
            taken = self._may_be_taken(tenant, found)
            for row in taken:
                row.token, row.ready = token, False
                row.change(look=until, lease_until=until, taken_at=now)
            return [TakenDelivery(delivery=row.pulled.delivery, token=token, lease_until=until) for row in taken]

    async def held(self, tenant: str, token: str) -> list[TakenDelivery]:
        async with self.outages.call():
            held = [row.pulled for row in self.rows.values() if row.is_held(tenant, token)]
            return [
                TakenDelivery(delivery=each.delivery, token=token, lease_until=each.lease_until or 0) for each in held
            ]

    def _may_be_taken(self, tenant: str, found: list[PulledDelivery]) -> list[MemoryPullRow]:
        rows = [(each.delivery, self.rows[each.delivery.id]) for each in found]
        return [
            row
            for delivery, row in rows
            if _may_be_taken(row, tenant) and row.at == (delivery.generation, delivery.pass_)
        ]

    async def report(self, tenant: str, delivery: str, token: str, report: PullReport) -> ReportAnswer:
        async with self.outages.call():
            row = self.rows.get(delivery)
            kept = msgspec.structs.replace(report, at=now_ms())
            if row is not None and row.is_held(tenant, token):
                row.change(report=kept, look=0)
                return ReportAnswer.RECORDED
            return self._why_not(tenant, row, token, kept)

    async def extend(self, tenant: str, delivery: str, token: str, *, lease_seconds: int) -> int | ReportAnswer:
        async with self.outages.call():
            row = self.rows.get(delivery)
            if row is not None and row.is_held(tenant, token):
                until = now_ms() + lease_seconds * 1000
                row.change(lease_until=until, look=until)
                return until
            return self._why_not(tenant, row, token, None)

    def _why_not(self, tenant: str, row: MemoryPullRow | None, token: str, report: PullReport | None) -> ReportAnswer:
        if row is None or row.tenant != tenant:
            return ReportAnswer.UNKNOWN
        said = row.pulled.report
        if row.token != token or said is None:
            return ReportAnswer.LEASE_LOST
        same = report is not None and msgspec.structs.replace(said, at=report.at) == report
        return ReportAnswer.REPEATED if same else ReportAnswer.OTHER


def _urgency(pulled: PulledDelivery) -> tuple[int, int]:
    about = pulled.delivery.notification
    return -about.priority.rank, about.accepted_at


def _readable(row: MemoryPullRow) -> bool:
    return row.format <= formats.FORMAT


def _may_be_taken(row: MemoryPullRow, tenant: str) -> bool:
    about = row.pulled.delivery.notification
    waits = row.there and row.ready and row.state is DeliveryState.CLAIMED and _readable(row)
    return waits and row.tenant == tenant and about.expires_at > now_ms()
