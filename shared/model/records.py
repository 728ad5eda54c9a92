"""Records of `notifications.v1`: what `decide` is given.

A record says where it stands: its subject (a notification, a step of one channel, a delivery), its
generation (+1 per redrive) and its pass (+1 per pass through `decide`). There is no other state machine.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from shared.model import formats
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.errors import FAULTY_FORMAT, InvalidRecord
from shared.model.events import FIRST_ACCEPTED
from shared.model.notifications import Notification
from shared.model.outputs import FormatFault, Headers
from shared.model.tenants import Stop
from shared.model.withdrawals import Withdrawal

DETOUR: Final = "carillon_detour"
"""The header of a record that did not come straight from its acceptance, so that others may have overtaken it."""

CANCELLED_SINCE: Final = 2
"""The format of a record that says it is cancelled: who does not know of that must not decide it."""


class Kind(StrEnum):
    """Why a record is decided."""

    NOTIFY = "notify"
    """A new notification; the subject is its id."""
    RELEASE = "release"
    """A hold of a notification, or of one channel of it, came due."""
    RETRY = "retry"
    """A delivery's hold (next attempt, provider back) came due; the subject is the delivery id."""
    STALE = "stale"
    """A delivery waited too long in its lane and is decided again; the subject is the delivery id."""
    FAILED = "failed"
    """A delivery failed for good, or its provider is down for long: its step may have another channel."""
    REDRIVE = "redrive"
    """A dead letter is wanted after all; the subject is the delivery id, one generation on."""
    TENANT_CHANGED = "tenant_changed"
    """Settings of the tenant, or of all of them, have changed: the router forgets them. One in every partition."""
    PROFILE_CHANGED = "profile_changed"
    """The router forgets what it knows of the user, and decides again what waits because of it."""
    WITHDRAW = "withdraw"
    """What was accepted under a cancellation key leaves the inboxes: first of a tenant, then, in the lane of in_app, of a user."""

    @property
    def is_control(self) -> bool:
        """It is about no notification."""
        return self in (Kind.PROFILE_CHANGED, Kind.TENANT_CHANGED, Kind.WITHDRAW)

    @property
    def since(self) -> int:
        """The format that it came with."""
        return 2 if self in (Kind.FAILED, Kind.REDRIVE, Kind.TENANT_CHANGED, Kind.WITHDRAW) else formats.OLDEST


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One record to decide."""

    kind: Kind
    tenant: str
    user: str
    subject: str
    generation: int = 0
    pass_: int = msgspec.field(name="pass", default=0)
    due: int | None = None
    """A released record is decided at max(now, due), whatever this clock says."""
    notification: Notification | None = None
    step: str | None = None
    """Where the run goes on; None: at the first step."""
    channel: Channel | None = None
    """Set on a release of one channel; None: the whole notification."""
    delivery: Delivery | None = None
    life: int = 0
    """The user's life when the profile changed."""
    after: str = ""
    """Of a profile or tenant that changed: the holds up to this one have been looked at already. Of a withdrawal: rows."""
    in_its_life: bool = False
    """The life of a new notification is known already: it was found for the user who has an address."""
    digest: str | None = None
    """The digest that the run holds and closes now."""
    cancelled: bool = False
    """An operator cancelled what this brings back."""
    forced: bool = False
    """Of a redrive: an operator wants it although another channel of its step has it, or may still get it."""
    cancels: tuple[Stop, ...] = ()
    """Of a tenant that changed: what an operator cancelled, as far as it was accepted by then and is still held."""
    withdraws: Withdrawal | None = None
    format: int = formats.OLDEST
    """The smallest that reads all of it, whatever is inside."""

    @property
    def is_digest(self) -> bool:
        """Whether it brings others with it: what ends one of them does not end the others."""
        return self.digest is not None or (self.delivery is not None and self.delivery.digest is not None)

    @property
    def about(self) -> Notification | None:
        """The notification concerned; None for control records."""
        return self.delivery.notification if self.delivery else self.notification


_encoder: Final = msgspec.json.Encoder()


_record_decoder = msgspec.json.Decoder(Record)


_delivery_decoder = msgspec.json.Decoder(Delivery)


_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def encode(value: Record | Delivery) -> bytes:
    """The value's bytes on the log (JSON)."""
    return _encoder.encode(value)


def decode_record(raw: bytes | None, fault: FormatFault | None = None) -> Record:
    """Raises InvalidRecord when the bytes are no such record, or all that a `fault` left; NewerFormat."""
    _check(fault)
    try:
        record = _record_decoder.decode(raw or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        formats.check_undecodable("record", raw)
        raise InvalidRecord("unreadable_record", str(error)) from error
    if record.format > formats.FORMAT:
        raise formats.NewerFormat("record", record.format)
    if record.about is None and not record.kind.is_control:
        raise InvalidRecord("incomplete_record", f"a {record.kind} record names no notification")
    return record


def decode_delivery(raw: bytes | None, fault: FormatFault | None = None) -> Delivery:
    """Raises InvalidRecord when the bytes are no delivery, or all that a `fault` left; NewerFormat."""
    _check(fault)
    try:
        delivery = _delivery_decoder.decode(raw or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        formats.check_undecodable("delivery", raw)
        raise InvalidRecord("unreadable_delivery", str(error)) from error
    if delivery.format > formats.FORMAT:
        raise formats.NewerFormat("delivery", delivery.format)
    return delivery


def without_due(raw: bytes) -> bytes:
    """A record's bytes without its old time, for one that is hastened; what else is in it, known or not, stays.

    Raises msgspec.DecodeError.
    """
    return _encoder.encode({name: value for name, value in _members.decode(raw).items() if name != "due"})


def cancelled(raw: bytes) -> bytes:
    """A record's bytes, marked as cancelled; what else is in it, known or not, stays. Raises msgspec.DecodeError."""
    members = {name: value for name, value in _members.decode(raw).items() if name != "due"}
    number = max(formats.number_of(raw), CANCELLED_SINCE)
    return _encoder.encode(members | {"cancelled": True, "format": number})


def _check(fault: FormatFault | None) -> None:
    if fault is not None:
        raise InvalidRecord(fault, FAULTY_FORMAT)


def notify(notification: Notification) -> Record:
    """The record that brings a new notification to `decide`."""
    return Record(
        kind=Kind.NOTIFY,
        tenant=notification.tenant,
        user=notification.user,
        subject=notification.id,
        notification=notification,
        format=notification.format,
    )


def named_at(instant: int) -> Headers:
    """The headers of what is about those who had their ids at `instant` (ms), and not about who has them since."""
    return [(DETOUR, b"1"), (FIRST_ACCEPTED, str(instant).encode())]


def tenant_changed(tenant: str, cancels: tuple[Stop, ...] = (), *, after: str = "") -> Record:
    """Written, to every partition, after a tenant's settings and before their API call answers.

    Again, with `after`, while more holds are to be looked at.
    """
    kind = Kind.TENANT_CHANGED
    return Record(kind=kind, tenant=tenant, user="", subject=tenant, cancels=cancels, after=after, format=kind.since)


def profile_changed(tenant: str, user: str, life: int = 0, *, after: str = "") -> Record:
    """Written after a profile and before its API call answers; again, with `after`, while more holds are to come."""
    subject = f"{tenant}:{user}"
    return Record(kind=Kind.PROFILE_CHANGED, tenant=tenant, user=user, subject=subject, life=life, after=after)


def withdraw(tenant: str, what: Withdrawal, *, user: str = "", life: int = 0, after: str = "") -> Record:
    """Written before a withdrawal's call answers; again, with `after`, while more inboxes are to be looked at.

    With a `user`, into the lane of in_app, behind all that was written there before.
    """
    kind = Kind.WITHDRAW
    return Record(
        kind=kind,
        tenant=tenant,
        user=user,
        subject=what.cancellation_key,
        withdraws=what,
        life=life,
        after=after,
        format=kind.since,
    )
