"""Claims on deliveries: what a worker may do with a record, given the ledger's row of that delivery.

A claim is an insert, or a compare-and-set from an earlier (generation, pass). A row at the same pass is a
replay (its result is recorded), somebody at work (claimed, the lease runs), or the crash window (claimed, the
lease is over: sent or not, nobody knows).
"""

from __future__ import annotations

import msgspec

from shared.model import formats
from shared.model.deliveries import TERMINAL, Delivery, DeliveryResult, DeliveryState


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """Ours to send until the lease ends; `crashed`: a worker died over it, sent or not."""

    crashed: bool = False


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A replay: the result is known, its outputs are emitted again."""

    result: DeliveryResult


class Busy(msgspec.Struct, frozen=True, kw_only=True):
    """Another worker holds the lease for `seconds` more."""

    seconds: float


class Obsolete(msgspec.Struct, frozen=True, kw_only=True):
    """The row has gone on past this record: nothing to do."""


class NewerRow(msgspec.Struct, frozen=True, kw_only=True):
    """A newer version wrote the row: it is left to one. `format` is the row's."""

    format: int


Claim = Claimed | Recorded | Busy | Obsolete | NewerRow


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A ledger row as a claim sees it; of a newer `format` only that and its place count. `lease_seconds`: how long its lease still runs; 0 or less when it is over."""

    generation: int
    pass_: int
    state: DeliveryState
    token: str
    lease_seconds: float
    crashed: bool = False
    result: DeliveryResult | None = None
    format: int = formats.OLDEST


def judge(entry: LedgerEntry, delivery: Delivery, token: str) -> Claim:
    """What `entry` means for a record of `delivery`; `Claimed`: the caller may take the row by compare-and-set.

    Our own claim, met again, is renewed; it stays marked as crashed if a worker died over it before.
    """
    here, there = (delivery.generation, delivery.pass_), (entry.generation, entry.pass_)
    ours = entry.token == token
    if there > here:
        return Obsolete()
    if entry.format > formats.FORMAT:
        return NewerRow(format=entry.format)
    if there < here:
        ended = entry.state in TERMINAL and entry.generation == delivery.generation
        return Obsolete() if ended else Claimed()
    if entry.state is not DeliveryState.CLAIMED:
        return Obsolete() if entry.result is None else Recorded(result=entry.result)
    if not ours and entry.lease_seconds > 0:
        return Busy(seconds=entry.lease_seconds)
    return Claimed(crashed=not ours or entry.crashed)


class Closing(msgspec.Struct, frozen=True, kw_only=True):
    """A row that `decide` ends (expired, cancelled, suppressed), unless it has moved on."""

    delivery: str
    generation: int
    pass_: int
    result: DeliveryResult
