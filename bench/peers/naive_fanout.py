"""A fan-out as one writes the first: a cursor over the subscribers, one `send` for each, waited for by nobody.

Notifications, ids and encoders are the product's own. It survives no crash: it would begin anew, or not at all.
"""

from __future__ import annotations

import asyncio

import msgspec
from aiokafka import AIOKafkaProducer
from mode.loop import use

from bench.fanout_load import TOPIC, started
from bench.peers.fanout_start import begin
from bench.peers.faust_app import OURS, database
from shared.model import ids, records


async def serve() -> None:
    producer = AIOKafkaProducer(bootstrap_servers=OURS.kafka, acks="all", enable_idempotence=True)
    await producer.start()
    await database().command("ping")
    template, topic = started().template, OURS.topics.notifications
    await begin()
    async for row in database().subscriptions.find({"tenant": template.tenant, "topic": TOPIC}):
        user = row["user"]
        found = msgspec.structs.replace(
            template, id=ids.notification_id(template.event_id, template.workflow, user), user=user, life=row["life"]
        )
        record = msgspec.structs.replace(records.notify(found), in_its_life=True)
        await producer.send(topic, key=ids.user_key(template.tenant, user), value=records.encode(record))
    await producer.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    use("uvloop")
    asyncio.run(serve())
