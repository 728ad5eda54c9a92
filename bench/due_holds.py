"""The load of the scheduler's benchmark: a million holds that wait, and those that come due; what became of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from confluent_kafka import Consumer
from confluent_kafka import TopicPartition as Place

from bench import load
from bench.peers.prototype_scheduler import COLLECTION
from bench.stage import TENANT, Names
from shared.model.holds import Cause, Hold
from shared.model.records import Kind, Record
from shared.model.timestamps import DAY_MS
from shared.mongo.database import Database
from shared.mongo.hold_rows import hold_row
from shared.mongo.indexes import INDEXES
from shared.process.clock import now_ms

BASE: Final = 10_000
INSERTED: Final = 2_000
SIDES: Final = ("ours", "prototype")
OTHER: Final = "other"
"""The tenant beside the one with the flood."""


class Due(msgspec.Struct):
    """Of a record that came back: which, whose, and when it was due."""

    subject: str
    tenant: str
    due: int


def hold(mark: str, number: int, due: int, tenant: str = TENANT) -> Hold:
    """A notification that waits for its time."""
    about = msgspec.structs.replace(load.notification(number, now_ms()), tenant=tenant, deliver_at=due)
    record = Record(
        kind=Kind.RELEASE, tenant=tenant, user=about.user, subject=f"{mark}-{number}", due=due, notification=about
    )
    return Hold(cause=Cause.SCHEDULED, due=due, record=record)


def row_of(side: str, one: Hold) -> dict[str, Any]:
    """As a side stores it; the prototype has no more than it needs."""
    row: dict[str, Any] = dict(hold_row(one))
    if side == "ours":
        return row
    return {name: row[name] for name in ("_id", "tenant", "user", "due", "lease", "record")} | {"fence": 0}


def collection(side: str) -> str:
    """Where a side keeps its holds."""
    return "holds" if side == "ours" else COLLECTION


async def fill(database: Database, count: int) -> None:
    """Holds of both sides that are due in months, made by the server from a few."""
    far = now_ms() + 200 * DAY_MS
    await database.holds.drop_indexes()  # building them at the end is several times faster
    for side in SIDES:
        base = [row_of(side, hold("far", number, far + number * 60_000)) for number in range(min(BASE, count))]
        await database[f"base_{side}"].insert_many(base)
        for turn in range(max(1, count // BASE)):
            await (
                database[f"base_{side}"]
                .aggregate([{"$set": {"_id": {"$concat": ["$_id", f"-{turn}"]}}}, {"$merge": collection(side)}])
                .to_list(None)
            )
        await database.drop_collection(f"base_{side}")
    await database.holds.create_indexes(INDEXES["holds"])
    await database[COLLECTION].create_index([("due", 1), ("lease", 1)])
    await database[COLLECTION].create_index("owner")


async def insert(database: Database, side: str, holds: Iterator[Hold]) -> int:
    """Stores holds; returns how many."""
    total, some = 0, []
    for one in holds:
        some.append(row_of(side, one))
        if len(some) == INSERTED:
            await database[collection(side)].insert_many(some, ordered=False)
            total, some = total + len(some), []
    if some:
        await database[collection(side)].insert_many(some, ordered=False)
    return total + len(some)


class Back(msgspec.Struct, kw_only=True):
    """What came back: how late each was, in milliseconds, by tenant; when the first and the last did, in seconds."""

    late: dict[str, list[float]]
    total: int
    distinct: int
    seconds: float
    cpu_us: float = 0.0
    """Processor time of the process for each."""

    @property
    def all_late(self) -> Sequence[float]:
        return [late for of in self.late.values() for late in of]

    @property
    def early(self) -> int:
        """How many came before their time."""
        return sum(late < 0 for late in self.all_late)


def read_back(names: Names, before: dict[int, int]) -> Back:
    """The records behind `before` (offset by partition), which is moved to the present end; blocks."""
    topic, decoder = names.topics.notifications, msgspec.json.Decoder(Due)
    consumer = Consumer({"bootstrap.servers": names.kafka, "group.id": "bench-holds", "enable.auto.commit": False})
    expected, places = 0, []
    for part in consumer.list_topics(topic, timeout=10).topics[topic].partitions:
        _, high = consumer.get_watermark_offsets(Place(topic, part), timeout=10)
        places.append(Place(topic, part, before.get(part, 0)))
        expected += high - before.get(part, 0)
        before[part] = high
    consumer.assign(places)
    late: dict[str, list[float]] = {}
    subjects: set[str] = set()
    total, first, last = 0, float("inf"), 0.0
    while total < expected:
        for message in consumer.consume(5000, timeout=10):
            if message.error():
                raise RuntimeError(str(message.error()))
            found, at = decoder.decode(message.value()), message.timestamp()[1]
            late.setdefault(found.tenant, []).append(at - found.due)
            subjects.add(found.subject)
            total, first, last = total + 1, min(first, at), max(last, at)
    consumer.close()
    return Back(late=late, total=total, distinct=len(subjects), seconds=max((last - first) / 1000, 0.001))
