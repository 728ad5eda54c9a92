"""Whatever is written to the public topic: every good event notifies once, the rest is a dead letter, nothing stops.

Batches with several faults, all modes and codecs, transactions that are committed, aborted or left open, at random.
A failure prints the seed; CARILLON_FUZZ_SEED repeats it. Writing takes at most WRITE_SECONDS.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Final

import orjson
import pytest
from confluent_kafka import Producer

from shared.kafka.codecs import Codec
from tests.integration.router.stage import TYPE, Stage, event, stage
from tests.support.env import Names
from tests.support.raw_batches import Raw, batch

WRITE_SECONDS: Final = 10
MOST_BATCHES: Final = 300
PARTITIONS: Final = 3


class Fuzz:
    """Makes batches, and knows what must become of them."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.good: list[str] = []
        self.bad = 0
        self._numbers = count()

    def user(self) -> str:
        return f"u-{next(self._numbers)}"

    def batch(self) -> bytes:
        records = [
            self._good() if self.chance.random() < 0.7 else self._bad() for _ in range(self.chance.randint(1, 6))
        ]
        return batch(*records, codec=self.chance.choice(list(Codec)))

    def _good(self) -> Raw:
        user = self.user()
        self.good.append(user)
        document = {"specversion": "1.0", "id": user, "source": "/fuzz", "type": TYPE, "data": {"to": [user]}}
        structured = (b"content-type", b"application/cloudevents+json")
        batched = (b"Content-Type", b"application/cloudevents-batch+json")
        hyphens = [
            (f"ce-{name}".encode(), str(document[name]).encode()) for name in ("specversion", "id", "source", "type")
        ]
        whole = [
            event(user),
            event(user, longext="x" * 40_000),
            Raw(orjson.dumps(document), headers=[structured]),
            Raw(orjson.dumps([document]), headers=[batched]),
            Raw(orjson.dumps(document["data"]), headers=hyphens),
        ]
        chosen = self.chance.choice(whole)
        return chosen._replace(
            headers=[*chosen.headers, *self._foreign()], key=self.chance.choice([None, b"", b"\xff"])
        )

    def _bad(self) -> Raw:
        self.bad += 1
        user = self.user()
        return self.chance.choice(
            [
                Raw(None),
                Raw(b"", headers=self._foreign()),
                Raw(self.chance.randbytes(200), headers=event(user).headers),
                event(user, specversion="0.3"),
                event(user, tenant="NOT A TENANT"),
                Raw(b"{}", headers=[(b"ce_id", b"\xff"), *self._foreign()]),
                Raw(b"{}", headers=[(b"h", b"")] * 300),
                Raw(b"[" * 10_000, headers=[(b"content-type", b"application/cloudevents-batch+json")]),
            ]
        )

    def _foreign(self) -> list[tuple[bytes, bytes | None]]:
        return [
            (
                self.chance.randbytes(self.chance.randint(0, 12)),
                self.chance.choice([None, b"", self.chance.randbytes(9)]),
            )
            for _ in range(self.chance.randint(0, 4))
        ]


def transactions(kafka: str, prefix: str, fuzz: Fuzz) -> Iterator[None]:
    """Each step writes a transaction of a foreign client and ends it one way or the other."""
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": f"fuzz-{prefix}", "linger.ms": 0})
    producer.init_transactions(30)
    while True:
        committed = fuzz.chance.random() < 0.5
        users = [fuzz.user() for _ in range(3)]
        producer.begin_transaction()
        for user in users:
            made = event(user)
            headers = [(name.decode(), raw) for name, raw in made.headers]
            producer.produce(
                f"{prefix}.events.v1", made.value, headers=headers, partition=fuzz.chance.randrange(PARTITIONS)
            )
        producer.flush(30)
        if committed:
            producer.commit_transaction(30)
            fuzz.good += users
        else:
            producer.abort_transaction(30)
        yield


@pytest.fixture
def seed() -> int:
    return int(os.environ.get("CARILLON_FUZZ_SEED") or random.randrange(2**32))


async def test_whatever_is_written_every_good_event_notifies(names: Names, seed: int) -> None:
    print(f"CARILLON_FUZZ_SEED={seed}")  # noqa: T201  # pytest shows it with a failure
    fuzz = Fuzz(random.Random(seed))
    async with stage(names) as at:
        await write_all(at, fuzz)
        for partition in range(PARTITIONS):
            last = fuzz.user()
            fuzz.good.append(last)
            await at.write(batch(event(last)), partition=partition)
        await at.until_all_committed()
        notified = Counter(await at.until_notified(*fuzz.good))
        assert notified == Counter(fuzz.good), f"seed {seed}"
        assert len(await at.until_dead(fuzz.bad)) == fuzz.bad, f"seed {seed}"


async def write_all(at: Stage, fuzz: Fuzz) -> None:
    foreign = transactions(at.names.brokers.kafka, at.names.prefix, fuzz)
    end = time.monotonic() + WRITE_SECONDS
    for number in range(MOST_BATCHES):
        if time.monotonic() > end:
            break
        await at.write(fuzz.batch(), partition=fuzz.chance.randrange(PARTITIONS))
        if number % 15 == 0:
            next(foreign)
