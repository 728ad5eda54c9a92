"""`make soak`: the router under a steady load for ten minutes; its memory must not grow.

All rules are in the load. The first quarter of the time fills caches and is not compared; the medians of the second
and the last quarter are.
"""

from __future__ import annotations

import asyncio
import os
import time
from functools import partial
from statistics import median

from confluent_kafka import Producer

from bench import tally
from bench.figures import Row, compare
from bench.machine import rss_mib
from bench.rules_load import LISTED, RULES, notification
from bench.run import Options, main, say
from bench.stage import TENANT, Names, Stage
from shared.model import ids, records
from shared.process.clock import now_ms

SECONDS = float(os.environ.get("SOAK_SECONDS", "600"))
SMALL_SECONDS = 30.0
PER_SECOND = 500
SAMPLE_SECONDS = 0.5
MAX_GROWTH = 1.1
"""Of the last quarter over the second: more is no steady state."""


async def bench(stage: Stage, options: Options) -> list[Row]:
    seconds = SMALL_SECONDS if options.small else SECONDS
    options.done = 1
    names = await stage.lay(RULES.workflow)
    await RULES.lay(names, total_of(seconds))
    router = stage.service(names, "router")
    await asyncio.to_thread(router.start)
    pid = router.pid or 0
    producing = asyncio.create_task(asyncio.to_thread(produce, names, seconds))
    samples = []
    begun = time.monotonic()
    while (past := time.monotonic() - begun) < seconds:
        samples.append(rss_mib(pid))
        if len(samples) % 60 == 1:
            say(f"{past:6.0f} s: {samples[-1]:.1f} MiB")
        await asyncio.sleep(SAMPLE_SECONDS)
    sent = await producing
    lost = await unfinished(names, sent)
    await asyncio.to_thread(router.terminate)
    await stage.clear(names)
    quarter = len(samples) // 4
    middle, end = samples[quarter : 2 * quarter], samples[-quarter:]
    say(f"{sent} events in {seconds:.0f} s; {median(middle):.1f} MiB, then {median(end):.1f} MiB, list of {LISTED}")
    if median(end) > median(middle) * MAX_GROWTH:
        raise SystemExit("The router's memory grew: see the lines above.")
    what = f"router, memory after {seconds:.0f} s at {PER_SECOND} events/s"
    return [compare(what, "MiB", end, middle, peer_name="its second quarter", less_is_better=True, lost=lost)]


def total_of(seconds: float) -> int:
    """How many events there are; a tenth as many users take turns, within the first quarter of the time."""
    return round(seconds * PER_SECOND)


def produce(names: Names, seconds: float) -> int:
    """The load at its pace; blocks; returns how many there were."""
    producer = Producer({"bootstrap.servers": names.kafka, "partitioner": "murmur2_random", "linger.ms": 5})
    total = total_of(seconds)
    made = partial(notification, total)
    begun = time.monotonic()
    for number in range(total):
        if (ahead := begun + number / PER_SECOND - time.monotonic()) > 0:
            time.sleep(ahead)
        one = made(number, now_ms())
        producer.produce(
            names.topics.notifications, records.encode(records.notify(one)), ids.user_key(TENANT, one.user)
        )
        producer.poll(0)
    if producer.flush(60):
        raise RuntimeError("Kafka did not take the load")
    return total


async def unfinished(names: Names, sent: int) -> int:
    """How many have no status after a while."""
    deadline = time.monotonic() + 60
    async with tally.Ends(names.kafka) as ends:
        while time.monotonic() < deadline:
            if (left := sent - await ends.count([names.topics.statuses])) <= 0:
                return 0
            await asyncio.sleep(0.2)
    return left


if __name__ == "__main__":
    main("soak", __doc__.partition("\n")[0], bench)
