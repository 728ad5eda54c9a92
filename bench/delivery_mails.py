"""E-mail over SMTP: ours beside the floor, over the same number of connections to the same server."""

from __future__ import annotations

import asyncio
from typing import Final

from bench.delivery_load import WORKFLOW, preload
from bench.delivery_sides import Measured, Sides, measured
from bench.delivery_sink import Open, Plan, Question, Report
from bench.delivery_webhooks import statuses, stopping
from bench.draining import brokers_of, drain
from bench.run import Options
from bench.stage import Stage
from bench.talker import talker
from shared.model.channels import Channel

SIDES: Final = Sides(
    what="e-mail over SMTP, 4 connections, with ledger, attempts and statuses",
    peer=None,
    peer_name=None,
    counts={"ours": 5_000, "floor": 5_000},
    small={"ours": 500, "floor": 500},
)


async def once(stage: Stage, side: str, count: int, options: Options) -> Measured:
    """A backlog of so many, drained by one side."""
    names = await stage.lay(WORKFLOW)
    await asyncio.to_thread(preload, names, Channel.EMAIL, count)
    async with talker("bench.delivery_sink") as sink:
        port = (await sink.ask(Plan(), Open)).smtp
        settings = {"CARILLON_DELIVERY_CHANNELS": "email", "CARILLON_SMTP_PORT": str(port)}
        if side == "floor":
            child = stage.program(names, "bench.peers.floor_mails", **settings)
        elif options.profile:
            child, _ = stage.profiled(names, "delivery", options.profile, settings)
        else:
            child = stage.service(names, "delivery", **settings).child

        async def received() -> int:
            return (await sink.ask(Question(), Report)).distinct

        async with stopping(child) as worker:
            used = await drain(received, count, [worker], brokers_of(stage))
            report = await sink.ask(Question(), Report)
            lost, doubled = count - report.distinct, report.received - report.distinct
            if side == "ours":
                told = await statuses(names, count)
                lost, doubled = lost + told.lost(count), doubled + told.doubled
    await stage.clear(names)
    return measured("e-mail", side, count, report.seconds, used, lost=lost, doubled=doubled)
