"""What waits for the producer's own sender: taken under a lease, and what the sender says became of it.

A delivery of `pull` is its ledger row: claimed while it waits and while a sender has it. Each time it is handed out is one
attempt; what follows, the next one included, goes by `decide` as on every other channel.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Protocol

import msgspec

from shared.model.claims import LedgerEntry, NewerRow, Obsolete, judge
from shared.model.deliveries import Delivery, DeliveryResult, ReceivedDelivery
from shared.model.formats import NewerFormat
from shared.model.timestamps import DAY_MS

NOTHING: Final = msgspec.Raw(b"{}")
LONGEST_LOOK_MS: Final = 7 * DAY_MS
"""Rows of the ledger are kept for two weeks at least from when they were looked at."""
NOBODY: Final = ""
"""The ledger's token of a row that no worker sends."""


class ReportKind(StrEnum):
    """What has been found out about a delivery that waited."""

    SENT = "sent"
    FAILED = "failed"
    """Another attempt may succeed."""
    REJECTED = "rejected"
    """No attempt ever will."""
    STALE = "stale"
    """Nobody got it: what it was decided by has changed."""


class PullReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a sender said. `at` in milliseconds since the epoch; `code` is the receipt of one that was sent."""

    kind: ReportKind
    at: int
    code: str | None = None
    retry_after_ms: int | None = None


class PulledDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """One that waits, is out, or is done with, as a worker meets it."""

    received: ReceivedDelivery
    critical: bool
    fresh_until: int
    """From then on it is compared with what is known before anybody gets it."""
    simulated: bool = False
    """It is a test: nobody gets it, and it counts as sent."""
    max_retries: int | None = None
    """What its producer said, else its workflow; None: neither."""
    taken_at: int | None = None
    lease_until: int | None = None
    """When the sender's time is over; None: nobody has it."""
    report: PullReport | None = None
    result: DeliveryResult | None = None
    """What is recorded, and not told yet."""
    look: int
    """When a worker is to look at it; as a fence: whoever changes the row changes this."""

    @property
    def delivery(self) -> Delivery:
        """The delivery of its record."""
        return self.received.delivery

    @property
    def is_anybodys(self) -> bool:
        """Whether a sender may have it."""
        return bool(self.delivery.address) and not self.simulated


class TakenDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """One that a sender has got. `token` says so when it reports; it ends at `lease_until`."""

    delivery: Delivery
    token: str
    lease_until: int


class ReportAnswer(StrEnum):
    """Whether a report counts."""

    RECORDED = "recorded"
    REPEATED = "repeated"
    """The same was reported before."""
    OTHER = "other"
    """Something else was reported before."""
    LEASE_LOST = "lease_lost"
    """The lease is over and something has followed; or it is not the token of the last one who took it."""
    UNKNOWN = "unknown"


class RowPlace(StrEnum):
    """Where a row stands, seen from a record of its delivery."""

    BEHIND = "behind"
    """The record goes on from it."""
    HERE = "here"
    """It is of this very record: a replay."""
    AHEAD = "ahead"
    """The delivery has gone on, or ended."""


def place_of(entry: LedgerEntry, delivery: Delivery) -> RowPlace:
    """What the ledger's row means for a record of `delivery`. Raises NewerFormat for one that a newer version wrote."""
    claim = judge(entry, delivery, NOBODY)
    if isinstance(claim, NewerRow):
        raise NewerFormat("ledger row", claim.format)
    if (entry.generation, entry.pass_) == (delivery.generation, delivery.pass_):
        return RowPlace.HERE
    return RowPlace.AHEAD if isinstance(claim, Obsolete) else RowPlace.BEHIND


def last_look(delivery: Delivery) -> int:
    """When one that nobody takes has waited long enough: it expires, or another channel of its step is taken."""
    expires_at = delivery.notification.expires_at
    return expires_at if delivery.fallback_at is None else min(delivery.fallback_at, expires_at)


def first_look(pulled: PulledDelivery) -> int:
    """When a worker is to look at one that waits; at once, where no sender may have it."""
    return min(pulled.fresh_until, last_look(pulled.delivery)) if pulled.is_anybodys else 0


def next_look(delivery: Delivery, now: int) -> int:
    """When one that goes on waiting is looked at again: when it ends, or so soon that its row is not taken for an old one."""
    return min(last_look(delivery), now + LONGEST_LOOK_MS)


def without_person(delivery: Delivery) -> Delivery:
    """What is left of a delivery whose user is deleted: that there was one."""
    about = msgspec.structs.replace(delivery.notification, data=NOTHING, contact=None, actor=None)
    return msgspec.structs.replace(delivery, address="", name=None, locale=None, digest=None, notification=about)


class PullQueue(Protocol):
    """What waits, as the workers see it. All methods raise MongoUnavailable; then the same call may be repeated."""

    async def insert(self, batch: list[PulledDelivery], /) -> list[RowPlace]:
        """Lets each wait that is new or goes on; says, in order, where its row stood.

        Raises NewerFormat where a newer version wrote the row: call again without that one.
        """
        ...

    async def claim(self, *, most: int) -> list[PulledDelivery]:
        """Those that are to be looked at now, for this caller alone until it has had time enough."""
        ...

    async def record(self, results: list[tuple[PulledDelivery, DeliveryResult]], /) -> set[str]:
        """Records results, unless a sender or another worker has changed the row since; returns whose are recorded."""
        ...

    async def keep(self, waiting: list[PulledDelivery], /) -> None:
        """They go on waiting, to be looked at by `next_look`."""
        ...

    async def done(self, ended: list[PulledDelivery], /) -> None:
        """All that follows their results is durable: nothing but the ledger's row stays."""
        ...

    async def count(self, *, most: int) -> int:
        """How many wait to be taken, counted up to `most`."""
        ...


class PullSenders(Protocol):
    """What waits, as the senders of a tenant see it. All methods raise MongoUnavailable."""

    async def waiting(self, tenant: str, /, *, workflow: str | None, most: int) -> list[PulledDelivery]:
        """The most urgent, then the oldest, that may be taken."""
        ...

    async def send_back(self, tenant: str, stale: list[PulledDelivery], /) -> None:
        """These are to be decided again, unless somebody has taken them."""
        ...

    async def take(
        self, tenant: str, found: list[PulledDelivery], /, *, token: str, lease_seconds: int
    ) -> list[TakenDelivery]:
        """Those of `found` that nobody else has taken, for who has the token alone."""
        ...

    async def held(self, tenant: str, token: str, /) -> list[TakenDelivery]:
        """What was taken by this token, and not reported."""
        ...

    async def report(self, tenant: str, delivery: str, token: str, report: PullReport, /) -> ReportAnswer:
        """Keeps what became of a delivery. `report.at` is the caller's; it is kept by the server's clock."""
        ...

    async def extend(self, tenant: str, delivery: str, token: str, /, *, lease_seconds: int) -> int | ReportAnswer:
        """The new end of the lease in milliseconds; or why there is none."""
        ...
