"""The naive agent with all the rules: `find_one` for each thing that they look at, `update_one` for each counter.

Rules, ids and encoders are the product's own pure functions; only the way of working differs.
"""

from __future__ import annotations

from typing import Any

import msgspec

from bench.peers.faust_app import OURS, carry_out, database, decided, peer_app, targets_of, workflow_of
from shared.deciding.asked import asked
from shared.deciding.history import Count, History
from shared.deciding.items import Counted
from shared.deciding.routing_input import RoutingInput
from shared.model.owners import address_ids
from shared.model.profiles import Profile, from_document
from shared.model.records import decode_record
from shared.model.tenants import TenantSettings
from shared.model.timestamps import from_datetime, to_datetime
from shared.process.clock import now_ms

app = peer_app("naive")
source = app.topic(OURS.topics.notifications, key_type=bytes, value_type=bytes)
targets = targets_of(app)


async def suppressed(tenant: str, profile: Profile | None) -> tuple[str, ...]:
    """The kinds of the user's addresses that are on the list."""
    found: dict[str, bool] = {}
    for kind, address in (profile.addresses if profile else {}).items():
        for address_id in address_ids({kind: address}):
            entry = await database().suppressions.find_one({"tenant": tenant, "address": address_id})
            found[kind] = found.get(kind, False) or entry is not None
    return tuple(kind for kind, is_listed in found.items() if is_listed)


async def counts(counter: str) -> tuple[Count, ...]:
    row = await database().counters.find_one({"_id": counter})
    return tuple(Count(notification=one["n"], at=from_datetime(one["at"])) for one in row["entries"]) if row else ()


@app.agent(source)
async def decide(stream: Any) -> None:
    async for event in stream.events():
        record = decode_record(event.value)
        about = record.notification
        if about is None:
            continue
        row = await database().profiles.find_one({"_id": f"{about.tenant}:{about.user}"})
        profile = from_document(row) if row else None
        settings = await database().tenants.find_one({"_id": about.tenant})
        now = now_ms()
        inputs = RoutingInput(
            notification=about,
            workflow=await workflow_of(about.tenant, about.workflow, about.version),
            profile=profile,
            tenant=msgspec.convert(settings, TenantSettings) if settings else None,
            suppressed=await suppressed(about.tenant, profile),
            cancel_count=0,
            now=now,
        )
        if (wanted := asked(inputs)) is not None:
            seen = {counter: await counts(counter) for counter in wanted.counters}
            inputs = msgspec.structs.replace(inputs, history=History(counters=seen))
        decision = decided(event.message, record, inputs)
        for item in decision.items:
            if isinstance(item, Counted):
                entry = {"n": about.id, "at": to_datetime(now)}
                await database().counters.update_one({"_id": item.counter}, {"$push": {"entries": entry}}, upsert=True)
        await carry_out(decision, targets)


if __name__ == "__main__":
    app.main()
