"""The least that a router in chunks can do: decisions stored in bulk, then one batch for each partition.

No rules, no profiles, no holds, no defence: a chunk that fails ends the process. The cheap way from Faust's fetcher to
the queue is the product's transport; what is measured beside it is all that comes after.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import faust
import msgspec
from mode.loop import use
from yarl import URL

from bench.peers.faust_app import OURS, database, peer_app
from bench.peers.floor_batches import Batches, open_producer
from services.router.faust.transport import Transport
from shared.model.channels import Channel
from shared.process.clock import now_ms

CHUNK = 500
LINGER_SECONDS = 0.003


class Data(msgspec.Struct):
    channels: tuple[Channel, ...]


class Notification(msgspec.Struct):
    data: Data


class Inbound(msgspec.Struct):
    notification: msgspec.Raw


class Queue(faust.Stream[Any]):
    """A stream that hands over what is queued, whoever it belongs to by now."""

    async def chunks(self) -> AsyncIterator[list[Any]]:
        await self.maybe_start()
        channel: Any = self.channel
        queue = channel.queue
        while True:
            chunk = [await channel.__anext__()]
            while len(chunk) < CHUNK and not queue.empty():
                chunk.append(queue.get_nowait())
            yield chunk


use("uvloop")
inbound, notification = msgspec.json.Decoder(Inbound), msgspec.json.Decoder(Notification)
app = peer_app("floor", Stream=Queue, stream_buffer_maxsize=65_536, broker_commit_interval=0.5)
app.transport = Transport([URL(f"kafka://{OURS.kafka}")], app)
source = app.topic(OURS.topics.notifications, key_type=bytes, value_type=bytes)


@app.agent(source)
async def decide(stream: Any) -> None:
    batches = Batches(await open_producer(OURS.kafka))
    decisions = database().decisions
    await database().command("ping")  # connected before the first record, as the product is
    async for chunk in stream.chunks():
        now, rows = now_ms(), []
        for event in chunk:
            message = event.message
            raw = inbound.decode(message.value).notification
            channels = notification.decode(raw).data.channels
            place = f"{message.partition}:{message.offset}"
            rows.append({"_id": place, "user": message.key, "at": now, "channels": list(channels)})
            for channel in channels:
                value = b'{"id":"%b:%b","notification":%b}' % (place.encode(), channel.encode(), raw)
                batches.put(OURS.topics.deliveries(channel), message.key, value)
            batches.put(OURS.topics.statuses, message.key, b'{"id":"%b","type":"decided"}' % place.encode())
        await decisions.insert_many(rows, ordered=False)
        await batches.flush()
        for event in chunk:
            await stream.ack(event)
        if len(chunk) > 1:
            await asyncio.sleep(LINGER_SECONDS)


if __name__ == "__main__":
    app.main()
