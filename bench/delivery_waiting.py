"""What waits: memory with many retries pending, and an urgent message past a long lane of others."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from confluent_kafka import Producer

from bench.delivery_load import USERS, WORKFLOW, delivery, key_of, preload
from bench.delivery_sink import Open, Plan, Question, Report
from bench.delivery_webhooks import OURS, stopping
from bench.draining import PATIENCE_SECONDS, at_most
from bench.figures import Row, compare, percentile
from bench.machine import rss_mib
from bench.run import Options, say
from bench.stage import Stage
from bench.talker import talker
from shared.model import records
from shared.model.channels import Channel, Lane
from shared.model.notifications import Priority
from shared.mongo.database import open_database
from shared.process.clock import now_ms

PENDING, SMALL_PENDING = 100_000, 2_000
FEW: Final = 10
"""The memory is compared with that at so many times fewer."""
WAITING, SMALL_WAITING = 100_000, 3_000
URGENT, SMALL_URGENT = 200, 15
WARM_UP: Final = 10
EVERY_SECONDS: Final = 0.1
MOVING_SECONDS: Final = 60.0


async def retries(stage: Stage, options: Options) -> list[Row]:
    """Every endpoint answers 500: each delivery becomes a retry that waits in MongoDB."""
    pending = SMALL_PENDING if options.small else PENDING
    names = await stage.lay(WORKFLOW)
    async with talker("bench.delivery_sink") as sink:
        port = (await sink.ask(Plan(status=500), Open)).http
        await asyncio.to_thread(preload, names, Channel.WEBHOOK, pending, port)
        async with (
            open_database(names.mongo, names.prefix, timeout_ms=60_000) as database,
            stopping(stage.service(names, "delivery", **OURS).child) as worker,
        ):
            few, held, moved = 0.0, 0, time.monotonic()
            while held < pending and time.monotonic() - moved < MOVING_SECONDS:
                now = await database.holds.count_documents({})
                held, moved = now, time.monotonic() if now > held else moved
                if not few and held >= pending // FEW:
                    few = rss_mib(worker.pid or 0)
                await asyncio.sleep(0.2)
            many = rss_mib(worker.pid or 0)
        report = await sink.ask(Question(), Report)
    await stage.clear(names)
    say(f"{held:,} retries pending: {few:.1f} MiB with {pending // FEW:,}, {many:.1f} MiB with all")
    return [
        compare(
            f"webhooks, memory of the worker with {pending:,} retries pending",
            "MiB",
            [many],
            [few],
            peer_name=f"ours with {pending // FEW:,}",
            less_is_better=True,
            lost=pending - held,
            doubled=report.received - report.distinct,
        )
    ]


async def urgent(stage: Stage, options: Options) -> list[Row]:
    """From the producer to the endpoint, with so many others waiting, and without any."""
    waiting, count = (SMALL_WAITING, SMALL_URGENT) if options.small else (WAITING, URGENT)
    alone, lost_alone = await latencies(stage, 0, count)
    beside, lost_beside = await latencies(stage, waiting, count)
    return [
        compare(
            f"urgent webhook past {waiting:,} others that wait, {name}",
            "ms",
            [percentile(beside, share)],
            [percentile(alone, share)],
            peer_name="ours with nothing else to do",
            less_is_better=True,
            lost=lost_alone + lost_beside,
        )
        for name, share in (("p50", 0.5), ("p99", 0.99))
    ]


async def latencies(stage: Stage, waiting: int, count: int) -> tuple[list[float], int]:
    """In milliseconds, of `count` urgent ones a tenth of a second apart; and how many never came."""
    names = await stage.lay(WORKFLOW)
    async with talker("bench.delivery_sink") as sink:
        port = (await sink.ask(Plan(), Open)).http
        if waiting:
            await asyncio.to_thread(preload, names, Channel.WEBHOOK, waiting, port)
        service = stage.service(names, "delivery", **OURS)
        async with stopping(service.child):
            await service.ready()
            sent: dict[str, float] = {}
            producer = Producer({"bootstrap.servers": names.kafka, "partitioner": "murmur2_random", "linger.ms": 0})
            topic = names.topics.deliveries(Channel.WEBHOOK, Lane.EXPRESS)
            for number in range(WARM_UP + count):
                one = delivery(Channel.WEBHOOK, USERS - number, now_ms(), port=port, priority=Priority.URGENT)
                sent[one.id] = time.monotonic()
                producer.produce(topic, records.encode(one), key_of(one))
                producer.poll(0)
                await asyncio.sleep(EVERY_SECONDS)
            await asyncio.to_thread(producer.flush, PATIENCE_SECONDS)
            ids = list(sent)[WARM_UP:]

            async def all_came() -> bool:
                return None not in (await sink.ask(Question(ids=ids), Report)).at

            await at_most(PATIENCE_SECONDS, all_came)
            report = await sink.ask(Question(ids=ids), Report)
    await stage.clear(names)
    left = waiting + len(sent) - report.distinct
    came = [(at - sent[one]) * 1000 for one, at in zip(ids, report.at, strict=True) if at is not None]
    say(
        f"urgent beside {waiting:7,}: p50 {percentile(came, 0.5):.1f}, p99 {percentile(came, 0.99):.1f} ms of {len(came)};"
        f" {left:,} of the others still wait at the end"
    )
    if waiting and left <= 0:
        raise RuntimeError("the lane of the others was empty before the end: nothing was passed")
    return came, len(ids) - len(came)
