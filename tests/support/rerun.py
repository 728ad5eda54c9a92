"""Asks `route` again about stored decisions: by its record, its workflow's version and what its row keeps, it answers the same.

Addresses and names are no part of it: rows keep neither, so every address that was known stands for itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from services.router.core.effects import state
from shared.catalog.rows import from_row, row_id
from shared.deciding.history import History
from shared.deciding.items import Deliver, RoutingItem
from shared.deciding.routing import route
from shared.deciding.routing_input import RoutingInput
from shared.kafka.consumer import fetch, open_consumer, start_consumer
from shared.model import ids
from shared.model.devices import DEFAULT_ENDPOINT
from shared.model.notification_states import NOTIFICATION_TRANSITIONS, NotificationState
from shared.model.outputs import Coordinates, KafkaRecord
from shared.model.own_workflows import OWN
from shared.model.owners import Owner
from shared.model.profiles import Profile
from shared.model.records import Kind, Record, decode_record
from shared.model.subscriptions import Subscription
from shared.model.tenants import TenantSettings
from shared.model.timestamps import from_datetime
from shared.model.workflows import Workflow
from shared.mongo.database import Database, open_database
from shared.mongo.decisions import DecisionRow
from tests.support.env import Names

SOMEWHERE = "somewhere"
"""Stands for an address that is not kept."""


@dataclass
class Rerun:
    """What asking again came to."""

    same: int = 0
    erased: int = 0
    """Of users who were deleted: nothing is left to ask with."""
    gone: int = 0
    """Their record is not on the log any more."""
    different: list[str] = field(default_factory=list)
    transitions: list[str] = field(default_factory=list)
    """Those that the table does not have."""


def rebuilt(row: DecisionRow, record: Record, workflow: Workflow | None) -> RoutingInput:
    """The inputs of a stored decision."""
    about = record.about
    assert about is not None
    context: Mapping[str, Any] = row.get("context", {})
    delivery = record.delivery
    if delivery is not None:
        delivery = msgspec.structs.replace(delivery, endpoint=stand_in(delivery.endpoint))
    return RoutingInput(
        notification=msgspec.structs.replace(about, life=row.get("life", 0)),
        workflow=workflow,
        profile=_profile(row),
        life=context.get("life", 0),
        owner=_of(context, "owner", Owner),
        cancel_count=context.get("cancel_count", 0),
        now=max(from_datetime(row["at"]), record.due or 0),
        event=record.kind,
        spread_ms=context.get("spread_ms", 0),
        channel=delivery.channel if delivery else record.channel,
        step=delivery.step if delivery else record.step,
        tenant=_of(context, "tenant", TenantSettings),
        suppressed=tuple(context.get("suppressed", ())),
        subscription=_of(context, "subscription", Subscription),
        history=_of(context, "history", History),
        delivery=delivery,
        digest=record.digest or (delivery.digest.id if delivery and delivery.digest else None),
        parked=record.kind is Kind.RETRY and record.due is None,
        cancelled=record.cancelled,
        forced=record.forced,
    )


def difference(row: DecisionRow, record: Record, workflow: Workflow | None) -> str | None:
    """What asking again answers instead; None: the same."""
    kept = msgspec.convert(tuple(row["items"]), tuple[RoutingItem, ...])
    stored = [_comparable(item, stands_in=True) for item in kept]
    again = [_comparable(item) for item in route(rebuilt(row, record, workflow))]
    if stored == again:
        return None
    return f"{row['_id']} ({record.kind}, {row['workflow']}): stored {stored}\n  again {again}\n  context {row.get('context')}"


def wrong_transitions(rows: Iterable[DecisionRow]) -> list[str]:
    """Where a subject went on in a way that the transition table does not have."""
    last: dict[tuple[str, int], NotificationState] = {}
    wrong: list[str] = []
    for row in sorted(rows, key=lambda row: (row["generation"], row["pass"])):
        place = (row["subject"], row["generation"])
        items = msgspec.convert(tuple(row["items"]), tuple[RoutingItem, ...])
        before, now = last.get(place, NotificationState.ACCEPTED), NotificationState(state(items))
        if now not in NOTIFICATION_TRANSITIONS[before]:
            wrong.append(f"{row['subject']} pass {row['pass']} ({row['kind']}): {before} -> {now}")
        last[place] = now
    return wrong


def _comparable(item: RoutingItem, *, stands_in: bool = False) -> RoutingItem:
    if not isinstance(item, Deliver):
        return item
    return msgspec.structs.replace(
        item, address="", name=None, endpoint=stand_in(item.endpoint) if stands_in else item.endpoint
    )


def stand_in(endpoint: str) -> str:
    """The endpoint of the device that stands for one whose token is not kept."""
    return endpoint if endpoint == DEFAULT_ENDPOINT else ids.derive("device", f"fcm:{_token(endpoint)}")


def _token(endpoint: str) -> str:
    return f"stands-for-{endpoint}"


def _device(kept: Mapping[str, str]) -> dict[str, str]:
    zone = {"zone": kept["zone"]} if "zone" in kept else {}
    endpoint = kept.get("endpoint", DEFAULT_ENDPOINT)
    return zone if endpoint == DEFAULT_ENDPOINT else {"platform": "fcm", "token": _token(endpoint), **zone}


def _profile(row: DecisionRow) -> Profile | None:
    """The profile as its snapshot has it; a name is only where a delivery has it."""
    inputs: Mapping[str, Any] = row["inputs"]
    if not inputs["known"]:
        return None
    name = next((item["name"] for item in row["items"] if item.get("name")), None)
    kept = {name: value for name, value in inputs.items() if name in Profile.__struct_fields__ and name != "addresses"}
    addresses = dict.fromkeys(inputs["addresses"], SOMEWHERE)
    kept["devices"] = [_device(device) for device in inputs.get("devices", ())]
    return msgspec.convert(
        {**kept, "tenant": row["tenant"], "user": row["user"], "addresses": addresses, "name": name}, Profile
    )


def _of(context: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    return msgspec.convert(context[name], kind) if name in context else None


async def check_decisions(names: Names) -> Rerun:
    """Fails where asking again answers otherwise."""
    async with open_database(names.brokers.mongo, names.database) as database:
        found = await rerun(database, names)
    assert not found.different, "\n".join(found.different[:5])
    assert not found.transitions, "\n".join(found.transitions[:5])
    return found


async def rerun(database: Database, names: Names) -> Rerun:
    """Asks again about everything that is stored."""
    found = Rerun()
    rows: list[DecisionRow] = await database.decisions.find({}).to_list(None)
    if not rows:
        return found
    found.transitions = wrong_transitions(rows)
    records = await _records(names)
    workflows = {row["_id"]: from_row(row) async for row in database.workflows.find({})}
    for row in rows:
        received = records.get(Coordinates(row["topic"], row["partition"], row["offset"]))
        if row.get("erased"):
            found.erased += 1
        elif received is None:
            found.gone += 1
        else:
            place = row["tenant"], row["workflow"], row["version"]
            workflow = workflows.get(row_id(*place)) or OWN.get(place[1:])
            wrong = difference(row, decode_record(received.value), workflow)
            if wrong is None:
                found.same += 1
            else:
                found.different.append(wrong)
    return found


async def _records(names: Names) -> dict[Coordinates, KafkaRecord]:
    """All of `notifications.v1`, by where they stand."""
    topic = names.topics.notifications
    consumer = open_consumer(names.brokers.kafka, topic, group=None, client_id="rerun")
    await start_consumer(consumer)
    try:
        places = consumer.assignment()
        ends = await consumer.end_offsets(places)
        found: dict[Coordinates, KafkaRecord] = {}
        while any([await consumer.position(place) < ends[place] for place in places]):
            for record in await fetch(consumer, max_records=10_000, wait_ms=100):
                found[record.coordinates] = record
        return found
    finally:
        await consumer.stop()
