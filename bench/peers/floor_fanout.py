"""The least that a fan-out can do: as many ready-made records of the same size, a page at a time."""

from __future__ import annotations

import asyncio

from mode.loop import use

from bench.peers.fanout_start import begin, members
from bench.peers.faust_app import OURS
from bench.peers.floor_batches import Batches, open_producer
from shared.model import ids
from shared.model.fanouts import PAGE

VALUE_BYTES = 690
"""Of a record of the product's, as `bench.fanout` makes them."""


async def serve() -> None:
    batches = Batches(await open_producer(OURS.kafka))
    topic, value = OURS.topics.notifications, b'{"n":"' + b"x" * (VALUE_BYTES - 8) + b'"}'
    await begin()
    for start in range(0, members(), PAGE):
        for number in range(start, min(start + PAGE, members())):
            batches.put(topic, ids.user_key("default", f"user-{number}"), value)
        await batches.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    use("uvloop")
    asyncio.run(serve())
