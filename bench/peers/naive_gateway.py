"""The gateway of the naive chain: python-socketio, a room for each user, one `emit` for each message."""

from __future__ import annotations

import json
from typing import Any

import jwt
import socketio
import uvicorn
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.peers.gateway_settings import GatewayPeerSettings
from shared.model.topics import PARTITIONS

SETTINGS = GatewayPeerSettings()
server = socketio.AsyncServer(async_mode="asgi")


async def connect(sid: str, _: dict[str, Any], auth: dict[str, str]) -> None:
    claims = jwt.decode(auth["token"], SETTINGS.token_secret, algorithms=["HS256"])
    await server.enter_room(sid, f"{claims['tenant']}:{claims['sub']}")


async def push(consumer: AIOKafkaConsumer) -> None:
    async for message in consumer:
        row = json.loads(message.value)
        await server.emit("notification", row, room=row["user"])


async def start() -> None:
    """Before the port opens, so that nothing passes unseen."""
    consumer = AIOKafkaConsumer(bootstrap_servers=SETTINGS.kafka, group_id=None)
    await consumer.start()
    consumer.assign([TopicPartition(SETTINGS.topics.inbox, number) for number in range(PARTITIONS)])
    await consumer.seek_to_end()
    server.start_background_task(push, consumer)


if __name__ == "__main__":
    server.on("connect", connect)
    app = socketio.ASGIApp(server, on_startup=start)
    uvicorn.run(app, host="127.0.0.1", port=SETTINGS.socket_port, access_log=False, log_level="warning")
