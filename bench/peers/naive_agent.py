"""The agent of the naive chain: one notification at a time, `find_one`, `insert_one`, `topic.send`; Faust's defaults."""

from __future__ import annotations

from typing import Any

import faust

from bench.peers.faust_app import OURS, database, peer_app
from shared.model.channels import Channel
from shared.process.clock import now_ms


class Notification(faust.Record, serializer="json"):
    """As plain_ingest writes it."""

    id: str
    tenant: str
    user: str
    workflow: str
    data: dict


app = peer_app("naive")
source = app.topic(OURS.topics.notifications, key_type=bytes, value_type=Notification, value_serializer="json")
deliveries = app.topic(OURS.topics.deliveries(Channel.IN_APP), key_type=bytes, value_serializer="json")


@app.agent(source)
async def decide(notifications: Any) -> None:
    async for one in notifications:
        user = f"{one.tenant}:{one.user}"
        profile = await database().profiles.find_one({"_id": user})
        preferences = (profile or {}).get("preferences", {}).get("channel_types", {})
        wanted = preferences.get("in_app", True)
        await database().decisions.insert_one(
            {"_id": one.id, "tenant": one.tenant, "user": one.user, "workflow": one.workflow, "deliver": wanted, "at": now_ms()}
        )  # fmt: skip
        if wanted:
            await deliveries.send(key=user.encode(), value={"id": one.id, "user": user, "data": one.data})


if __name__ == "__main__":
    app.main()
