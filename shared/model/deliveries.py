"""The delivery: one notification on one channel to one address, the unit of sending."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from shared.model.attempts import Attempt
from shared.model.channels import Channel, Lane
from shared.model.devices import DEFAULT_ENDPOINT
from shared.model.digests import Digest
from shared.model.formats import OLDEST
from shared.model.notifications import Notification
from shared.model.outputs import KafkaRecord
from shared.model.reasons import Reason
from shared.model.staging import SendMode


class DeliveryState(StrEnum):
    """States of a ledger row, and of the public `carillon.delivery.*` statuses."""

    CLAIMED = "claimed"
    SENT = "sent"
    RETRYING = "retrying"
    """An attempt failed; a hold brings the next one."""
    PARKED = "parked"
    """The provider is down; no attempt was burned."""
    STALE = "stale"
    """Decided too long ago; it is decided again."""
    DEAD = "dead"
    """A dead letter: nobody retries it on their own."""
    UNCONFIRMED = "unconfirmed"
    """A worker died between claim and record on a channel that then stops (at most once)."""
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    SUPPRESSED = "suppressed"

    @property
    def is_terminal(self) -> bool:
        """No further record of this generation follows."""
        return self in TERMINAL


ENDED_BY_DECIDE: Final = frozenset({DeliveryState.EXPIRED, DeliveryState.CANCELLED, DeliveryState.SUPPRESSED})
"""Without an attempt."""
TRANSITIONS: Final[Mapping[DeliveryState, frozenset[DeliveryState]]] = {
    DeliveryState.CLAIMED: frozenset(DeliveryState),
    DeliveryState.RETRYING: ENDED_BY_DECIDE | {DeliveryState.CLAIMED},
    DeliveryState.PARKED: ENDED_BY_DECIDE | {DeliveryState.CLAIMED},
    DeliveryState.STALE: ENDED_BY_DECIDE | {DeliveryState.CLAIMED},
    DeliveryState.SENT: frozenset(),
    DeliveryState.DEAD: frozenset(),
    DeliveryState.UNCONFIRMED: frozenset(),
    DeliveryState.EXPIRED: frozenset(),
    DeliveryState.CANCELLED: frozenset(),
    DeliveryState.SUPPRESSED: frozenset(),
}
"""What may follow each state within one generation; a redrive begins the next one. A row begins as claimed."""
TERMINAL: Final = frozenset(state for state, following in TRANSITIONS.items() if not following)


class Delivery(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What the router asks a delivery worker to send. Times are milliseconds since the epoch."""

    id: str
    channel: Channel
    step: str
    """The key of its workflow's step."""
    address: str
    """E-mail address or URL; the user id for in_app."""
    notification: Notification
    decided_at: int
    endpoint: str = DEFAULT_ENDPOINT
    """Which device or endpoint of the channel; part of the delivery id."""
    name: str | None = None
    """What the recipient is called, for templates."""
    locale: str | None = None
    zone: str | None = None
    """The recipient's time zone, for templates; None: not known."""
    attempts: int = 0
    """Attempts used up so far."""
    first_failed_at: int | None = None
    """When the first of them failed."""
    generation: int = 0
    pass_: int = msgspec.field(name="pass", default=0)
    profile_version: int = 0
    format: int = OLDEST
    valid_until: int | None = None
    """When the recipient's next quiet hours begin; past it the delivery is stale."""
    fallback: tuple[Channel, ...] = ()
    """The channels that its step has behind this one: `decide` is told when it fails for good."""
    fallback_at: int | None = None
    """When its provider is down at this time, `decide` is told as well."""
    variant: str | None = None
    """Which of the workflow's texts."""
    replaces: str | None = None
    """The notification whose unread inbox item gives way to this one's."""
    digest: Digest | None = None
    """What it gathers, if it is one."""
    tenant_version: int = 0
    """Of the tenant's settings that it was decided with."""
    turn_at: int | None = None
    """From when on it may go by the rate limits that kept its turn."""
    turns: int = 0
    """How many of their scopes did, the narrowest first."""
    redirected: bool = False
    """While it is sent alone: the address is not its recipient's, but the one of its tenant's tests."""

    @property
    def lane(self) -> Lane:
        """The queue of its channel that carries it."""
        lanes = self.channel.spec.lanes
        express = self.notification.priority.is_express and Lane.EXPRESS in lanes
        return Lane.EXPRESS if express else Lane.NORMAL


class DeliveryResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the ledger keeps of an attempt; every output that must follow derives from it.

    `attempts` counts those used up so far; times in milliseconds since the epoch.
    """

    state: DeliveryState
    at: int
    attempts: int
    reason: Reason | None = None
    code: str | None = None
    due: int | None = None
    account: str | None = None
    """Parked until this provider account answers, at the longest until `due`."""
    log: tuple[Attempt, ...] = ()
    """What was tried for it, in order; empty where nothing was."""
    turns: int = 0
    """Parked until its turn: how many scopes of rate limits have kept it."""
    mode: SendMode | None = None
    """None: as usual; else it is a test."""
    format: int = OLDEST


class ReceivedDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery, and the record it was read from."""

    delivery: Delivery
    record: KafkaRecord
