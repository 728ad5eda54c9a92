"""Whatever is written to the public topic: every good event notifies once, the rest is a dead letter, nothing stops.

Batches with several faults, all modes and codecs, transactions that overlap, are committed, aborted or left open, at random.
A failure prints the seed; CARILLON_FUZZ_SEED repeats it. Writing takes at most WRITE_SECONDS.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
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
MAX_BATCHES: Final = 300
CLIENTS: Final = 3
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
        faulty = self.chance.choice([0.1, 0.5, 0.9])
        records = [
            self._bad() if self.chance.random() < faulty else self._good() for _ in range(self.chance.randint(1, 9))
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


class Transactions:
    """Foreign clients with transactions that overlap one another and what others write; each ends one way or the other.

    While one is open it holds back all that is behind it in its partitions. One client dies over its own: the broker
    aborts that.
    """

    def __init__(self, names: Names, fuzz: Fuzz) -> None:
        self._names = names
        self._fuzz = fuzz
        self._clients = [self._client(f"fuzz-{names.prefix}-{number}", 60_000) for number in range(CLIENTS)]
        self._open: dict[int, list[str]] = {}
        self.ended: Counter[str] = Counter()

    def step(self) -> None:
        """One of them begins, writes more, or ends."""
        number = self._fuzz.chance.randrange(CLIENTS)
        client = self._clients[number]
        if number not in self._open:
            client.begin_transaction()
            self._open[number] = []
        elif self._open[number] and self._fuzz.chance.random() < 0.4:
            self._end(number)
            return
        self._open[number] += self._write(client)
        self.ended["overlapped"] += len(self._open) > 1

    def end(self) -> None:
        """All that are open end; the client that dies leaves one more."""
        dying = self._client(f"fuzz-{self._names.prefix}-dying", 1_000)
        dying.begin_transaction()
        self._write(dying)
        for number in list(self._open):
            self._end(number)

    def _end(self, number: int) -> None:
        users = self._open.pop(number)
        if self._fuzz.chance.random() < 0.5:
            self._clients[number].commit_transaction(30)
            self._fuzz.good += users
            self.ended["committed"] += 1
        else:
            self._clients[number].abort_transaction(30)
            self.ended["aborted"] += 1

    def _write(self, client: Producer) -> list[str]:
        users = [self._fuzz.user() for _ in range(self._fuzz.chance.randint(1, 3))]
        for user in users:
            made = event(user)
            headers = [(name.decode(), raw) for name, raw in made.headers]
            partition = self._fuzz.chance.randrange(PARTITIONS)
            client.produce(self._names.topics.events, made.value, headers=headers, partition=partition)
        assert client.flush(30) == 0
        return users

    def _client(self, name: str, timeout_ms: int) -> Producer:
        settings = {"transactional.id": name, "transaction.timeout.ms": timeout_ms, "linger.ms": 0}
        client = Producer({"bootstrap.servers": self._names.brokers.kafka, **settings})
        client.init_transactions(30)
        return client


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
    foreign = Transactions(at.names, fuzz)
    end = time.monotonic() + WRITE_SECONDS
    for number in range(MAX_BATCHES):
        if time.monotonic() > end:
            break
        await at.write(fuzz.batch(), partition=fuzz.chance.randrange(PARTITIONS))
        if number % 4 == 0:
            foreign.step()
    foreign.end()
    assert min(foreign.ended[kind] for kind in ("overlapped", "committed", "aborted")) > 0, foreign.ended
