"""A Faust agent as one writes the first: one event at a time, the same rules, the same outputs, Faust's defaults.

Its rules, ids and encoders are the product's own pure functions, so only the way of working differs: `find_one` for
the profile, `insert_one` for the decision, `topic.send` for each output.
"""

from __future__ import annotations

from typing import Any

import msgspec

from bench.peers.faust_app import OURS, database, peer_app, workflow_of
from services.router.core.decision import Decision
from services.router.core.effects import derive_effects
from shared.deciding.routing import route
from shared.deciding.routing_input import RoutingInput
from shared.model.channels import Channel
from shared.model.outputs import Coordinates
from shared.model.profiles import from_document
from shared.model.records import decode_record
from shared.model.timestamps import to_datetime
from shared.process.clock import now_ms

app = peer_app("naive")
source = app.topic(OURS.topics.notifications, key_type=bytes, value_type=bytes)
targets = {
    name: app.topic(name, key_type=bytes, value_type=bytes)
    for name in (OURS.topics.statuses, *(OURS.topics.deliveries(channel) for channel in Channel))
}


@app.agent(source)
async def decide(stream: Any) -> None:
    async for event in stream.events():
        message = event.message
        record = decode_record(event.value)
        about = record.notification
        if about is None:
            continue
        row = await database().profiles.find_one({"_id": f"{about.tenant}:{about.user}"})
        profile = from_document(row) if row else None
        now = now_ms()
        workflow = await workflow_of(about.tenant, about.workflow, about.version)
        question = RoutingInput(notification=about, workflow=workflow, profile=profile, cancel_count=0, now=now)
        decision = Decision(
            record=record,
            notification=about,
            coordinates=Coordinates(message.topic, message.partition, message.offset),
            items=route(question),
            at=now,
            profile_version=profile.version if profile else 0,
            snapshot={"preferences": msgspec.to_builtins(profile.preferences) if profile else None},
        )
        await database().decisions.insert_one(
            {
                "_id": decision.id,
                "tenant": about.tenant,
                "user": about.user,
                "notification": about.id,
                "inputs": decision.snapshot,
                "items": [msgspec.to_builtins(item) for item in decision.items],
                "at": to_datetime(now),
                "created_at": to_datetime(now),
            }
        )
        for output in derive_effects(OURS.topics, [decision]).outputs:
            await targets[output.topic].send(key=output.key, value=output.value, headers=dict(output.headers))


if __name__ == "__main__":
    app.main()
