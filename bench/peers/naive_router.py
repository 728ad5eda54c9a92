"""A Faust agent as one writes the first: one event at a time, the same rules, the same outputs, Faust's defaults.

Its rules, ids and encoders are the product's own pure functions, so only the way of working differs: `find_one` for
the profile, `insert_one` for the decision, `topic.send` for each output.
"""

from __future__ import annotations

from typing import Any

from bench.peers.faust_app import OURS, carry_out, database, decided, peer_app, targets_of, workflow_of
from shared.deciding.routing_input import RoutingInput
from shared.model.profiles import from_document
from shared.model.records import decode_record
from shared.process.clock import now_ms

app = peer_app("naive")
source = app.topic(OURS.topics.notifications, key_type=bytes, value_type=bytes)
targets = targets_of(app)


@app.agent(source)
async def decide(stream: Any) -> None:
    async for event in stream.events():
        record = decode_record(event.value)
        about = record.notification
        if about is None:
            continue
        row = await database().profiles.find_one({"_id": f"{about.tenant}:{about.user}"})
        profile = from_document(row) if row else None
        now = now_ms()
        workflow = await workflow_of(about.tenant, about.workflow, about.version)
        inputs = RoutingInput(notification=about, workflow=workflow, profile=profile, cancel_count=0, now=now)
        await carry_out(decided(event.message, record, inputs), targets)


if __name__ == "__main__":
    app.main()
