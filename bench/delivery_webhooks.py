"""Webhooks: ours beside Celery with Redis, and the floor. A run of a side lasts from the first receipt to the last."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from bench import tally
from bench.delivery_load import WORKFLOW, deliveries, preload
from bench.delivery_sides import Measured, Sides, measured
from bench.delivery_sink import Open, Plan, Question, Report
from bench.draining import PATIENCE_SECONDS, at_most, brokers_of, drain
from bench.machine import ROOT
from bench.peers import celery_posts
from bench.redis import redis
from bench.run import Options
from bench.stage import Names, Stage
from bench.talker import talker
from sandbox.child import Child
from services.delivery.channels.webhook.compose import payload
from shared.model.channels import Channel

SIDES: Final = Sides(
    what="webhooks with ledger, attempts and statuses",
    peer="celery",
    peer_name="Celery 5 + Redis, bare POST, acks_late",
    counts={"ours": 20_000, "celery": 5_000, "floor": 20_000},
    small={"ours": 1_000, "celery": 300, "floor": 1_000},
)
CELERY_PROCESSES: Final = 4
CELERY_AHEAD: Final = 16
"""Children of the Celery worker, and tasks that each may have waiting: the best of those tried on two cores, 2 to 8 and 4 to 64, under load."""
OURS: Final = {"CARILLON_DELIVERY_CHANNELS": "webhook", "CARILLON_WEBHOOK_ALLOW": "127.0.0.0/8"}


async def once(stage: Stage, side: str, count: int, options: Options) -> Measured:
    """A backlog of so many, drained by one side."""
    names = await stage.lay(WORKFLOW)
    async with talker("bench.delivery_sink") as sink:
        port = (await sink.ask(Plan(), Open)).http

        async def received() -> int:
            return (await sink.ask(Question(), Report)).distinct

        async with working(stage, names, side, count, port=port, options=options) as (workers, brokers):
            used = await drain(received, count, workers, brokers)
            report = await sink.ask(Question(), Report)
            lost, doubled = count - report.distinct, report.received - report.distinct
            if side == "ours":
                told = await statuses(names, count)
                lost, doubled = lost + told.lost(count), doubled + told.doubled
    await stage.clear(names)
    return measured("webhooks", side, count, report.seconds, used, lost=lost, doubled=doubled)


@asynccontextmanager
async def working(
    stage: Stage, names: Names, side: str, count: int, *, port: int, options: Options
) -> AsyncIterator[tuple[list[Child], list[Child]]]:
    """A side's workers, at work on a backlog that was there before them, and its brokers."""
    if side == "celery":
        async with redis(stage.folder) as (uri, server):
            await asyncio.to_thread(enqueue, uri, count, port)
            async with stopping(celery_worker(stage, names, uri)) as worker:
                yield [worker], [server]
        return
    await asyncio.to_thread(preload, names, Channel.WEBHOOK, count, port)
    if side == "floor":
        child = stage.program(names, "bench.peers.floor_webhooks")
    elif options.profile:
        child, _ = stage.profiled(names, "delivery", options.profile, OURS)
    else:
        child = stage.service(names, "delivery", **OURS).child
    async with stopping(child) as worker:
        yield [worker], brokers_of(stage)


@asynccontextmanager
async def stopping(child: Child) -> AsyncIterator[Child]:
    """It runs meanwhile."""
    child.spawn()
    try:
        yield child
    finally:
        await asyncio.to_thread(child.stop, 30)


def enqueue(uri: str, count: int, port: int) -> None:
    """The same bodies for the same endpoints, as tasks; blocks."""
    with celery_posts.app.connection_for_write(uri) as connection:
        producer = celery_posts.app.amqp.Producer(connection)
        for one in deliveries(Channel.WEBHOOK, count, port):
            celery_posts.post.apply_async((one.address, one.id, payload(one).decode()), producer=producer)


def celery_worker(stage: Stage, names: Names, uri: str) -> Child:
    """`celery worker` without what costs time and is not needed here."""
    argv = [
        *(sys.executable, "-m", "celery", "-A", "bench.peers.celery_posts", "worker", "--loglevel", "error"),
        *("--pool", "prefork", "--concurrency", str(CELERY_PROCESSES), "--prefetch-multiplier", str(CELERY_AHEAD)),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "BENCH_REDIS": uri}
    return Child("celery", argv, log=stage.folder / f"{names.prefix}-celery.log", env=env, cwd=stage.folder)


async def statuses(names: Names, count: int) -> tally.Tally:
    """What was told of them, once all of it is on the log."""
    topics = [names.topics.statuses]
    async with tally.Ends(names.kafka) as ends:

        async def all_there() -> bool:
            return await ends.count(topics) >= count

        await at_most(PATIENCE_SECONDS, all_there)
    return await asyncio.to_thread(tally.read, names.kafka, topics, tally.header("ce_id"))
