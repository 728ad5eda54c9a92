"""Receipts: what a provider tells of a message after it took it, and what that makes of its delivery.

A receipt stands beside the result of a delivery, in the same row: a provider may tell of a message before its worker has
recorded that it was sent, and a worker that records twice must not take back what was told. They come in any order and
repeatedly; what is known only ever goes up.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

import msgspec

from shared.model.deliveries import DeliveryState
from shared.model.suppressions import SuppressionReason


class ReceiptState(StrEnum):
    """What became of a message that was sent, in ascending rank."""

    UNDELIVERED = "undelivered"
    """It did not arrive; another one may."""
    DELIVERED = "delivered"
    """It reached the device, or the recipient's mail server."""
    BOUNCED = "bounced"
    """Nothing reaches this address."""
    COMPLAINED = "complained"
    """Who reads there says that it is spam."""

    @property
    def suppresses(self) -> SuppressionReason | None:
        """Why nothing more is sent to the address; None: it may be."""
        return _SUPPRESSES.get(self)


_SUPPRESSES: Final = {
    ReceiptState.BOUNCED: SuppressionReason.BOUNCED,
    ReceiptState.COMPLAINED: SuppressionReason.COMPLAINED,
}
_RANKED: Final = tuple(ReceiptState)
TELLS_OF: Final = frozenset({DeliveryState.SENT, DeliveryState.UNCONFIRMED})
"""The states of the ledger that a receipt stands for: of a delivery that goes on, or ended otherwise, it changes nothing."""
RECEIPT_TRANSITIONS: Final[Mapping[StrEnum, frozenset[StrEnum]]] = {
    **{state: frozenset(_RANKED) for state in sorted(TELLS_OF)},
    **{state: frozenset(_RANKED[rank + 1 :]) for rank, state in enumerate(_RANKED)},
}
"""What receipts may make of each state within one generation; each way leads up."""


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was told, of one generation of a delivery."""

    state: ReceiptState
    at: int
    """When we were told first; milliseconds since the epoch."""
    generation: int = 0
    pass_: int = msgspec.field(name="pass", default=0)
    """Where the delivery stood then."""
    account: str = ""
    """The provider's account."""
    code: str | None = None
    """The provider's own."""


class ReceiptOutcome(StrEnum):
    """What a receipt changed."""

    ADVANCED = "advanced"
    REPEATED = "repeated"
    """It was known: what must follow follows again."""
    LATE = "late"
    """More is known already, or the delivery was sent again since."""
    UNKNOWN = "unknown"
    """There is no such delivery any more."""


class ReceiptedDelivery(NamedTuple):
    """The delivery that a receipt is about, and what is known of it now."""

    outcome: ReceiptOutcome
    user: str = ""
    notification: str = ""
    channel: str = ""
    step: str | None = None
    receipt: Receipt | None = None
    """None: nothing follows."""
    workflow: str | None = None
    variant: str | None = None
    locale: str | None = None
    """None: it has none, or its row is from before rows said so; so are workflow and variant."""


class ReceiptStore(Protocol):
    """Where receipts are kept: the ledger's rows, or a twin."""

    async def keep(self, tenant: str, delivery: str, receipt: Receipt, /) -> ReceiptedDelivery:
        """Keeps the receipt of a tenant's delivery unless more is known; says what is known then, and where the row stands.

        Repeated it changes nothing. Raises MongoUnavailable, or NewerFormat.
        """
        ...


def advance(known: Receipt | None, new: Receipt) -> ReceiptOutcome:
    """What `new` changes about `known`, which is of the same generation or an earlier one."""
    if known is None or known.generation < new.generation:
        return ReceiptOutcome.ADVANCED
    before, now = _RANKED.index(known.state), _RANKED.index(new.state)
    if known.generation > new.generation or before > now:
        return ReceiptOutcome.LATE
    return ReceiptOutcome.REPEATED if before == now else ReceiptOutcome.ADVANCED


def receipted_state(state: str, generation: int, receipt: Mapping[str, object] | None) -> str:
    """The state of a delivery whose row has this state, generation and receipt."""
    if receipt is None or state not in TELLS_OF or receipt.get("generation", 0) != generation:
        return state
    return str(receipt["state"])
