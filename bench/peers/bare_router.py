"""The least that a Faust agent can do: JSON in, one `topic.send` for each channel that the event names, no MongoDB."""

from __future__ import annotations

from typing import Any

import faust

from bench.peers.faust_app import OURS, peer_app
from shared.model.channels import Channel


class Notify(faust.Record, serializer="json"):
    kind: str
    tenant: str
    user: str
    subject: str
    notification: dict


app = peer_app("naive")
source = app.topic(OURS.topics.notifications, key_type=bytes, value_type=Notify, value_serializer="json")
targets = {
    channel: app.topic(OURS.topics.deliveries(Channel(channel)), key_type=bytes, value_serializer="json")
    for channel in Channel
}


@app.agent(source)
async def fan_out(stream: Any) -> None:
    async for event in stream:
        for channel in event.notification["data"]["channels"]:
            await targets[channel].send(
                key=f"{event.tenant}:{event.user}".encode(),
                value={"id": f"{event.subject}:{channel}", "channel": channel, "notification": event.notification},
            )


if __name__ == "__main__":
    app.main()
