"""The least that a gateway can do: a frame built once and written to each of its user's sockets, whatever they hold."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame, Opcode

from bench.peers.gateway_settings import GatewayPeerSettings
from shared.http.tokens import verify
from shared.model.topics import PARTITIONS

SETTINGS = GatewayPeerSettings()
MOST = 2_000
TICK_SECONDS = 0.002
"""After a fetch for several sockets: what comes within it shares their writes."""
sockets: dict[bytes, set[asyncio.Transport]] = defaultdict(set)


async def connected(socket: ServerConnection) -> None:
    """One socket; its token is the subprotocol, as the product has it."""
    offered = socket.request.headers["Sec-WebSocket-Protocol"] if socket.request else ""
    user = verify(SETTINGS.token_secret, offered.partition("bearer.")[2])
    key = f"{user.tenant}:{user.id}".encode()
    sockets[key].add(socket.transport)
    await socket.send('{"type":"hello"}')
    try:
        await socket.wait_closed()
    finally:
        sockets[key].discard(socket.transport)


async def main() -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=SETTINGS.kafka, group_id=None, fetch_max_wait_ms=250)
    await consumer.start()
    consumer.assign([TopicPartition(SETTINGS.topics.inbox, number) for number in range(PARTITIONS)])
    await consumer.seek_to_end()
    async with serve(connected, "127.0.0.1", SETTINGS.socket_port, compression=None, ping_interval=None):
        while True:
            fetched = await consumer.getmany(timeout_ms=1000, max_records=MOST)
            frames: dict[asyncio.Transport, list[bytes]] = defaultdict(list)
            for records in fetched.values():
                for record in records:
                    frame = Frame(Opcode.TEXT, record.value).serialize(mask=False)
                    for transport in sockets.get(record.key, ()):
                        frames[transport].append(frame)
            if len(frames) > 1:
                await asyncio.sleep(TICK_SECONDS)
            for transport, several in frames.items():
                transport.write(b"".join(several))


if __name__ == "__main__":
    uvloop.run(main())
