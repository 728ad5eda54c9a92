"""Holds in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

import msgspec

from shared.model import formats
from shared.model.channels import Channel
from shared.model.errors import MongoUnavailable
from shared.model.holds import Cause, Hastening, Hold, ParkedHold
from shared.model.records import Record, cancelled, decode_record, encode
from shared.model.tenants import StopSweep, Swept
from shared.mongo import hastening, held_by_stops
from shared.mongo.hold_rows import ClaimedHold
from shared.process.clock import now_ms
from tests.support.twins.outages import Outages


@dataclass(kw_only=True)
class MemoryHoldRow:
    """A hold as it is kept; times in milliseconds since the epoch."""

    hold: Hold
    due: int
    lease: int = 0
    token: str | None = None
    hastened: bool = False

    def take(self, now: int, record: Record) -> None:
        """It is due, and brings this back."""
        self.hold, self.due = msgspec.structs.replace(self.hold, record=record), min(self.due, now)
        self.hastened = True

    @property
    def stopped(self) -> str | None:
        """The tenant, if a stop is the cause."""
        return self.hold.record.tenant if self.hold.cause is Cause.STOPPED else None

    @property
    def readable(self) -> bool:
        return self.hold.record.format <= formats.FORMAT

    @property
    def user_key(self) -> str:
        return f"{self.hold.record.tenant}:{self.hold.record.user}"


class MemoryHolds:
    """A HoldStore, and the scheduler's side of it."""

    def __init__(self) -> None:
        self.rows: dict[str, MemoryHoldRow] = {}
        self.outages = Outages(MongoUnavailable)
        self._tokens = count(1)

    async def insert(self, holds: Sequence[Hold]) -> None:
        async with self.outages.call():
            for hold in holds:
                self.rows.setdefault(hold.id, MemoryHoldRow(hold=hold, due=hold.due))

    async def claim(self, *, most: int, lease: timedelta) -> tuple[str, list[ClaimedHold]]:
        async with self.outages.call():
            now, token = now_ms(), f"claim-{next(self._tokens)}"
            due = [
                (hold_id, row) for hold_id, row in self._by_due() if row.due <= now and row.lease < now and row.readable
            ]
            won = due[:most]
            for _, row in won:
                row.token, row.lease = token, now + round(lease.total_seconds() * 1000)
        return token, [_claimed(hold_id, row, now) for hold_id, row in won]

    async def seconds_to_next(self, most: float) -> float:
        async with self.outages.call():
            now = now_ms()
            dues = [row.due for row in self.rows.values() if row.lease < now and row.readable]
        return max(0.0, min([most, *((due - now) / 1000 for due in dues)]))

    async def newer(self, most: int) -> int:
        async with self.outages.call():
            now = now_ms()
            return min(most, sum(row.due <= now and not row.readable for row in self.rows.values()))

    async def release(self, token: str) -> None:
        async with self.outages.call():
            self.rows = {hold_id: row for hold_id, row in self.rows.items() if row.token != token}

    async def parked(
        self, accounts: Collection[str], *, most: int, of: Collection[str] | None = None
    ) -> list[ParkedHold]:
        async with self.outages.call():
            now = now_ms()
            waiting = [
                row.hold
                for row in self.rows.values()
                if row.hold.account in accounts and row.due > now and row.readable
                if of is None or row.hold.record.tenant in of
            ]
        first = sorted(waiting, key=_urgency)[:most]
        return [ParkedHold(id=each.id, delivery=each.record.subject, passes=each.record.pass_) for each in first]

    async def parked_under(self, channel: Channel) -> set[str]:
        async with self.outages.call():
            named = {row.hold.account or "" for row in self.rows.values()}
        return {name for name in named if name.partition("/")[0] == channel}

    async def parked_tenants(self, account: str) -> set[str]:
        async with self.outages.call():
            return {row.hold.record.tenant for row in self.rows.values() if row.hold.account == account}

    async def count_parked(self, accounts: Collection[str], *, most: int) -> int:
        async with self.outages.call():
            now = now_ms()
            found = sum(row.hold.account in accounts and row.due > now for row in self.rows.values())
            return min(found, most)

    async def make_due(self, holds: Sequence[str]) -> None:
        async with self.outages.call():
            now = now_ms()
            for behind, hold in zip(reversed(range(len(holds))), holds, strict=True):
                if hold in self.rows and self.rows[hold].due > now:
                    self.rows[hold].due = now - behind

    async def hasten(self, tenant: str, cancellation_key: str, *, cancel_count: int) -> int:
        hastened = 0
        async with self.outages.call():
            for row in self.rows.values():
                about = row.hold.hastened_for
                if about is None or (about.tenant, about.cancellation_key) != (tenant, cancellation_key):
                    continue
                if about.cancel_count < cancel_count:
                    row.take(0, msgspec.structs.replace(row.hold.record, due=None))
                    hastened += 1
        return hastened

    async def bring_forward(self, holds: Sequence[str], notifications: Sequence[tuple[str, str]]) -> None:
        async with self.outages.call():
            now = now_ms()
            for hold_id, row in self.rows.items():
                about = row.hold.hastened_for
                wanted = hold_id in holds or (about is not None and (about.tenant, about.id) in notifications)
                if wanted and row.lease < now:
                    _hasten(row, now)

    async def hasten_users(self, changes: Mapping[str, Hastening]) -> dict[str, Hastening]:
        more: dict[str, Hastening] = {}
        async with self.outages.call():
            now, share = now_ms(), hastening.share_of(changes)
            for user_key, change in changes.items():
                looked_at = self._of(user_key, change.after)[:share]
                for _, row in looked_at:
                    record = row.hold.record
                    earlier = record.about is not None and record.about.life < change.life
                    if row.lease < now and (row.hold.cause in hastening.MOVED or earlier):
                        _hasten(row, now)
                if len(looked_at) == share:
                    more[user_key] = change._replace(after=looked_at[-1][0])
        return more

    async def sweep_stopped(self, tenant: str, sweep: StopSweep) -> Swept:
        counts = Counter[str]()
        async with self.outages.call():
            now = now_ms()
            looked_at = sorted((hold_id, row) for hold_id, row in self.rows.items() if row.stopped == tenant)
            looked_at = [entry for entry in looked_at if entry[0] > sweep.after][: held_by_stops.MAX_SWEPT]
            for _, row in looked_at:
                record = row.hold.record
                about = record.about
                assert about is not None
                place = about.workflow, record.delivery.channel if record.delivery else record.channel
                if row.lease >= now or record.cancelled:
                    continue
                if sweep.cancels_it(*place, about.accepted_at):
                    row.take(now, decode_record(cancelled(encode(record))))
                    counts["cancelled"] += 1
                elif sweep.releases(*place) and not row.hastened:
                    row.take(now, msgspec.structs.replace(record, due=None))
                    counts["released"] += 1
        after = looked_at[-1][0] if len(looked_at) == held_by_stops.MAX_SWEPT else None
        return Swept(released=counts["released"], cancelled=counts["cancelled"], after=after)

    async def stopped_tenants(self) -> list[str]:
        async with self.outages.call():
            return sorted({row.stopped for row in self.rows.values() if row.stopped is not None})

    async def count(self) -> int:
        async with self.outages.call():
            return len(self.rows)

    async def count_stopped(self, tenant: str | None, *, most: int) -> int:
        async with self.outages.call():
            found = [row.stopped for row in self.rows.values() if row.stopped is not None]
        return min(most, len(found) if tenant is None else found.count(tenant))

    def _of(self, user_key: str, after: str) -> list[tuple[str, MemoryHoldRow]]:
        """The user's holds whose ids come after this one, in their order."""
        return sorted(
            ((hold_id, row) for hold_id, row in self.rows.items() if hold_id > after and row.user_key == user_key),
            key=lambda entry: entry[0],
        )

    @property
    def held(self) -> list[Hold]:
        """What waits, in the order of its insertion."""
        return [row.hold for row in self.rows.values()]

    def _by_due(self) -> list[tuple[str, MemoryHoldRow]]:
        return sorted(self.rows.items(), key=lambda entry: entry[1].due)


def _hasten(row: MemoryHoldRow, now: int) -> None:
    """Brought forward: it is decided as of when it is released."""
    record = msgspec.structs.replace(row.hold.record, due=None)
    row.hold, row.due = msgspec.structs.replace(row.hold, record=record), min(row.due, now)


def _urgency(hold: Hold) -> tuple[int, int]:
    about = hold.record.about
    return (-about.priority.rank, about.accepted_at) if about else (0, 0)


def _claimed(hold_id: str, row: MemoryHoldRow, now: int) -> ClaimedHold:
    record = row.hold.record
    return ClaimedHold(
        id=hold_id,
        tenant=record.tenant,
        user=record.user,
        record=encode(record),
        late_seconds=(now - row.due) / 1000 if row.due else 0.0,
    )
