"""Writes what this version writes, one of each kind, into a folder that every later version must read.

    PYTHONPATH=. python -m tests.golden.write tests/golden/0.2.0

Once, at a release; files of a release never change.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bson
import msgspec

from services.ingest.outbox import OutboxRow
from services.router.core.effects import derive_effects
from services.router.core.expansion import Expansion
from services.router.core.parts import expand_parts
from services.router.core.received_event import EventTenants, ReceivedEvent, read_events
from services.router.decisions import decision_row
from services.router.expansions import expansion_row
from shared.catalog.rows import to_row
from shared.model import inbox
from shared.model.deliveries import DeliveryResult, DeliveryState
from shared.model.inbox import Change, InboxEvent, InboxItem
from shared.model.records import Kind, Record, encode, notify, profile_changed
from shared.model.topics import Topics
from shared.mongo import inbox_rows
from shared.mongo.hold_rows import hold_row
from shared.mongo.leases import Lease
from shared.mongo.ledger import claimed_row, result_fields
from tests.support import samples as a

TOPICS = Topics()
TYPE = "com.example.order.shipped"
NOW = datetime.fromtimestamp(a.NOON / 1000, UTC)


def values() -> dict[str, bytes]:
    """Records of the log, by file name."""
    delivery = a.delivery(name="Ada", locale="de", attempts=1, valid_until=a.NIGHT)
    item = InboxItem(id=a.ID, workflow="order.shipped", offset=7, created_at=a.NOON, title="T", data=msgspec.Raw(b"{}"))
    found = {
        "record-notify.json": encode(notify(a.notification(actor="bob", cancellation_key="k", cancel_count=1))),
        "record-profile-changed.json": encode(profile_changed("acme", "ada", 1)),
        "delivery.json": encode(delivery),
        "inbox-created.json": inbox.encode(InboxEvent(change=Change.CREATED, items=(item,), at=a.NOON, life=1)),
        "inbox-read.json": inbox.encode(InboxEvent(change=Change.READ, items=(item,), at=a.NOON, unread=0)),
        "inbox-erased.json": inbox.encode(InboxEvent(change=Change.ERASED, items=(), at=a.NOON, life=2)),
    }
    for kind in (Kind.RETRY, Kind.STALE):
        back = Record(kind=kind, tenant="acme", user="ada", subject=delivery.id, pass_=1, due=a.NOON, delivery=delivery)
        found[f"record-{kind}.json"] = encode(back)
    night = a.decision(a.routing_input(profile=a.profile(quiet_hours=a.NIGHTS), now=a.NIGHT))
    effects = derive_effects(TOPICS, [night])
    (hold,) = effects.holds
    found["record-release.json"] = encode(hold.record)
    (status,) = (output for output in effects.outputs if output.topic == TOPICS.statuses)
    found["status.bson"] = bson.encode({"value": status.value, "headers": [list(pair) for pair in status.headers]})
    return found


def event_expansion() -> Expansion:
    """An event that notifies one user."""
    (event,) = read_events(a.event_record(), a.NOON, EventTenants(internal=TOPICS.accepted_events))
    assert isinstance(event, ReceivedEvent)
    parts = expand_parts(event, [a.workflow(on=(TYPE,), recipients="data.to")])
    return Expansion(received=event, parts=parts, generation=0)


def rows() -> dict[str, bytes]:
    """Rows of MongoDB, by file name."""
    night = a.decision(a.routing_input(profile=a.profile(quiet_hours=a.NIGHTS), now=a.NIGHT))
    (hold,) = derive_effects(TOPICS, [night]).holds
    claimed = claimed_row(a.received(), Lease("token", NOW, NOW + timedelta(minutes=1)))
    result = DeliveryResult(state=DeliveryState.SENT, at=a.NOON, attempts=1)
    item = InboxItem(id=a.ID, workflow="order.shipped", offset=7, created_at=a.NOON, title="T", data=msgspec.Raw(b"{}"))
    outbox: OutboxRow = {
        "_id": "1",
        "topic": TOPICS.notifications,
        "key": b"acme:ada",
        "value": encode(notify(a.notification())),
        "headers": [],
        "size": 1,
        "lease": NOW,
    }
    found = {
        "workflow": to_row("acme", a.workflow(on=(TYPE,)), a.NOON),
        "hold": hold_row(hold),
        "decision": decision_row(night),
        "expansion": expansion_row(event_expansion()),
        "ledger-claimed": claimed,
        "ledger-recorded": {**claimed, **result_fields(result, 1)},
        "inbox": inbox_rows.to_row(item, delivery="d", tenant="acme", user="ada", life=1),
        "outbox": outbox,
        "profile": {"_id": "acme:ada", **msgspec.to_builtins(a.profile(quiet_hours=a.NIGHTS))},
    }
    return {f"row-{name}.bson": bson.encode(dict(row)) for name, row in found.items()}


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for file_name, written in (values() | rows()).items():
        (target / file_name).write_bytes(written)
