"""The records of `notifications.v1` as `decide` reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shared.model import ids
from shared.model.dead_letters import UnreadableRecord
from shared.model.errors import InvalidRecord
from shared.model.events import FIRST_ACCEPTED
from shared.model.expansion import API_SOURCE
from shared.model.formats import NewerFormat
from shared.model.holds import Hastening
from shared.model.notifications import Notification
from shared.model.outputs import Coordinates, KafkaRecord
from shared.model.records import DETOUR, Kind, Record, decode_record
from shared.model.tenants import Stop


class InboundRecord(NamedTuple):
    """A record to decide, the notification it is about, and where it stands on the log."""

    record: Record
    about: Notification
    coordinates: Coordinates
    announced_life: int = 0
    """The user's latest life whose record stands before this one in the chunk."""
    relayed: bool = False
    """It says itself that it came on a detour."""
    first_accepted_at: int | None = None
    """Of what was sent again: when it was accepted first."""

    @property
    def user_key(self) -> str:
        """`tenant:user`."""
        return f"{self.about.tenant}:{self.about.user}"

    @property
    def decision_id(self) -> str:
        """Of this pass of its subject through `decide`."""
        return ids.decision_id(self.record.subject, self.record.generation, self.record.pass_)

    @property
    def on_a_detour(self) -> bool:
        """Whether it may have been accepted before what stands before it on the log: from an event, or relayed."""
        return self.relayed or self.about.source not in (None, API_SOURCE)


class ChangedTenant(NamedTuple):
    """What follows from a tenant's changed settings for what its stops hold."""

    cancels: tuple[Stop, ...] = ()
    after: str = ""
    """The hold up to which they have been looked at already."""
    partition: int = 0
    """Where it was met: there it goes on."""

    def with_(self, other: ChangedTenant | None) -> ChangedTenant:
        """One change that stands for both: all that either cancels, and all holds that either still has to look at."""
        if other is None:
            return self
        cancels = tuple(dict.fromkeys((*self.cancels, *other.cancels)))
        return ChangedTenant(cancels, min(self.after, other.after), self.partition)


class ReadChunk(NamedTuple):
    """A chunk: what is to be decided, whose profile changed, what cannot be read, which tenants changed, what is withdrawn."""

    inbound: list[InboundRecord]
    changed: dict[str, Hastening]
    """By user key."""
    unreadable: list[UnreadableRecord]
    tenants: dict[str, ChangedTenant]
    """By name; `*` is the environment."""
    withdrawals: list[Record]


def read(chunk: Sequence[KafkaRecord]) -> ReadChunk:
    """Reads a chunk, in its order; what is no record of ours is set aside. Raises NewerFormat for one of a newer version."""
    found = ReadChunk([], {}, [], {}, [])
    for received in chunk:
        try:
            record = decode_record(received.value, received.fault)
        except InvalidRecord as error:
            found.unreadable.append(UnreadableRecord(received, error))
            continue
        except NewerFormat as newer:
            raise newer.of(received.coordinates) from None
        if record.kind is Kind.PROFILE_CHANGED:
            key = f"{record.tenant}:{record.user}"
            found.changed[key] = _both(found.changed.get(key), Hastening(record.life, record.after))
        elif record.kind is Kind.TENANT_CHANGED:
            met = ChangedTenant(record.cancels, record.after, received.partition)
            found.tenants[record.tenant] = met.with_(found.tenants.get(record.tenant))
        elif record.kind is Kind.WITHDRAW:
            found.withdrawals.append(record)
        elif (about := record.about) is not None:
            change = found.changed.get(f"{about.tenant}:{about.user}") if found.changed else None
            life = change.life if change else 0
            relayed = bool(received.headers) and any(name == DETOUR for name, _ in received.headers)
            first = _first_accepted_at(received) if received.headers else None
            found.inbound.append(InboundRecord(record, about, received.coordinates, life, relayed, first))
    return found


def _both(before: Hastening | None, change: Hastening) -> Hastening:
    """One change that stands for both: the later life, and all holds that either still has to look at."""
    if before is None:
        return change
    return Hastening(max(before.life, change.life), min(before.after, change.after))


def _first_accepted_at(received: KafkaRecord) -> int | None:
    raw = next((value for name, value in received.headers if name == FIRST_ACCEPTED), None)
    return int(raw) if raw and raw.isdigit() else None
