"""Deliveries of `pull` as MongoDB keeps them: the ledger's row, with what a sender needs for as long as that is needed.

One document, so that what senders see and what the ledger says cannot differ.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, NotRequired, TypedDict

import msgspec

from shared.model.deliveries import Delivery, DeliveryState, ReceivedDelivery
from shared.model.outputs import KafkaRecord
from shared.model.pull import NOBODY, PulledDelivery, PullReport, ReportKind, first_look
from shared.model.records import decode_delivery
from shared.model.timestamps import from_datetime, to_datetime
from shared.mongo.leases import FREE, Lease
from shared.mongo.ledger import LedgerRow, claimed_row, entry_of

MAX_BYTES: Final = 4 * 1_048_576
"""Of what is read at once, or of one record that is larger."""


class PullFields(TypedDict):
    """The member `pull` of a row, until all that follows its result is told."""

    ready: bool
    """It waits for a sender."""
    look: datetime
    """When a worker is to look at it. Whoever changes the row changes this."""
    by: NotRequired[str]
    """The worker that looks at it."""
    rank: int
    accepted_at: datetime
    expires_at: datetime
    fresh_until: datetime
    workflow: str
    life: int
    critical: bool
    simulated: bool
    max_retries: int | None
    record: bytes
    key: bytes | None
    headers: list[tuple[str, bytes | None]]
    timestamp: int
    size: int
    erased: NotRequired[bool]
    """Its user is deleted: nothing of the person is left in the record."""


class TakenFields(TypedDict):
    """The member `taken`: who took it last. It stays with the row, so that a report that is repeated is known."""

    token: str
    at: datetime
    until: datetime
    report: NotRequired[dict[str, object]]


class PullRow(LedgerRow, total=False):
    """The ledger's row of a delivery of `pull`."""

    pull: PullFields
    taken: NotRequired[TakenFields]


def new_row(pulled: PulledDelivery, now: datetime) -> PullRow:
    """The ledger's row of one that waits from now on."""
    delivery, record = pulled.delivery, pulled.received.record
    about, look = delivery.notification, first_look(pulled)
    fields: PullFields = {
        "ready": pulled.is_anybodys,
        "look": to_datetime(look),
        "rank": about.priority.rank,
        "accepted_at": to_datetime(about.accepted_at),
        "expires_at": to_datetime(about.expires_at),
        "fresh_until": to_datetime(pulled.fresh_until),
        "workflow": about.workflow,
        "life": about.life,
        "critical": pulled.critical,
        "simulated": pulled.simulated,
        "max_retries": pulled.max_retries,
        "record": record.value or b"",
        "key": record.key,
        "headers": list(record.headers),
        "timestamp": record.timestamp,
        "size": record.size,
    }
    claimed = claimed_row(pulled.received, Lease(NOBODY, now, FREE))
    return {**claimed, "pull": fields}  # type: ignore[typeddict-item]  # nobody has taken it


def from_row(row: PullRow) -> PulledDelivery:
    """What a row says. Raises InvalidRecord for one that no version of this wrote."""
    fields, taken = row["pull"], row.get("taken")
    value = bytes(fields["record"])
    record = KafkaRecord(
        row["topic"],
        row["partition"],
        row["offset"],
        None if fields["key"] is None else bytes(fields["key"]),
        value,
        [(name, None if raw is None else bytes(raw)) for name, raw in fields["headers"]],
        fields["timestamp"],
    )
    recorded = row["state"] != DeliveryState.CLAIMED
    return PulledDelivery(
        received=ReceivedDelivery(delivery=decode_delivery(value), record=record),
        critical=fields["critical"],
        simulated=fields["simulated"],
        max_retries=fields["max_retries"],
        taken_at=from_datetime(taken["at"]) if taken is not None else None,
        fresh_until=from_datetime(fields["fresh_until"]),
        lease_until=from_datetime(taken["until"]) if taken is not None else None,
        report=report_of(taken) if taken is not None else None,
        result=entry_of(row, FREE).result if recorded else None,
        look=from_datetime(fields["look"]),
    )


def report_of(taken: TakenFields) -> PullReport | None:
    """What the one who took it has said."""
    return msgspec.convert(taken["report"], PullReport) if "report" in taken else None


def stale_report(at: datetime) -> TakenFields:
    """What stands in the place of a sender when nobody got it."""
    report = PullReport(kind=ReportKind.STALE, at=from_datetime(at))
    return {"token": NOBODY, "at": at, "until": at, "report": msgspec.to_builtins(report)}


def place(delivery: Delivery) -> dict[str, object]:
    """The filter of the row while it is at this pass of the delivery."""
    return {"_id": delivery.id, "generation": delivery.generation, "pass": delivery.pass_}
