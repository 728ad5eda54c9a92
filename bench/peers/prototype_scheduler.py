"""The prototype of ../shared/lab/scheduler/w.py: look at 800, take 200 at random, produce, delete.

As it was, but for two things: it produces to Kafka (a client in C) what it wrote into a collection, and the consumer's
ledger is left out, which is the router's here.
"""

from __future__ import annotations

import random
import time
import uuid
from datetime import timedelta

from confluent_kafka import Producer
from pymongo import MongoClient, WriteConcern

from shared.process.settings import ConsumerSettings

BATCH = 200
LEASE = timedelta(seconds=2)
COLLECTION = "prototype"
OURS = ConsumerSettings()


def main() -> None:
    client = MongoClient(OURS.mongo, tz_aware=True)
    database = client.get_database(OURS.mongo_database, write_concern=WriteConcern("majority", j=True))
    rows = database[COLLECTION]
    producer = Producer({"bootstrap.servers": OURS.kafka, "acks": "all", "partitioner": "murmur2_random"})
    topic = OURS.topics.notifications
    while True:
        now, token = client.admin.command("hello")["localTime"], uuid.uuid4().hex
        free = {"due": {"$lte": now}, "lease": {"$lt": now}}
        ids = [row["_id"] for row in rows.find(free, {"_id": 1}).sort("due", 1).limit(BATCH * 4)]
        if not ids:
            time.sleep(0.05)
            continue
        random.shuffle(ids)
        claimed = {"$set": {"owner": token, "lease": now + LEASE}, "$inc": {"fence": 1}}
        rows.update_many({"_id": {"$in": ids[:BATCH]}, "lease": {"$lt": now}}, claimed)
        mine = list(rows.find({"owner": token}))
        for row in mine:
            producer.produce(topic, bytes(row["record"]), f"{row['tenant']}:{row['user']}".encode())
        producer.flush()
        rows.delete_many({"owner": token})


if __name__ == "__main__":
    main()
