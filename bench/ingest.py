"""`make bench-ingest`: ingest beside plain FastAPI + pydantic + send_and_wait, and the floor; all acks=all.

A closed loop of keep-alive connections; what was answered with 202 is counted on the topic afterwards.
"""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import aiohttp
import msgspec

from bench import load, tally
from bench.figures import Row, compare
from bench.http_load import Plan, Report
from bench.machine import ROOT, cpu_seconds
from bench.run import Options, main, rounds, say
from bench.stage import PLAIN_KEY, TENANT, Names, Stage
from sandbox.child import Child
from sandbox.free_ports import free_ports
from shared.mongo.api_keys import Scope, create
from shared.mongo.database import open_database

NUMBERS_EACH = 100_000_000
"""Every load has its own range of numbers, so that ids never meet."""
SIDES = ("ours", "plain", "floor")
PEERS = {"plain": "bench.peers.plain_ingest", "floor": "bench.peers.floor_ingest"}
PEER_NAME = "FastAPI + pydantic + send_and_wait"
PAD = "https://example.com/orders/A-17/track?source=notification&campaign=spring-sale&locale=en-GB&variant=b"
DATA = f'{{"order":"A-@NUMBER@","carrier":"DHL","city":"Rotterdam","url":"{PAD}","recipient_ids":["user-7"]}}'
EVENT = (
    '{"specversion":"1.0","id":"@NUMBER@","source":"/shop/orders","type":"order.shipped","subject":"order-17",'
    '"time":"2026-01-05T10:11:12Z","datacontenttype":"application/json",'
    f'"data":{DATA.replace("@NUMBER@", "17")}}}'
)
SEND = f'{{"workflow":"{load.WORKFLOW.key}","recipients":["user-17"],"data":{DATA}}}'
CLOUDEVENT, BATCH, JSON = "application/cloudevents+json", "application/cloudevents-batch+json", "application/json"
IDENTIFIERS = {
    ("ours", True): tally.header("ce_id"),
    ("ours", False): tally.field("subject"),
    ("plain", True): tally.field("id"),
    ("plain", False): tally.field("id"),
    ("floor", True): tally.field("id"),
    ("floor", False): tally.field("notification"),
}
"""What must be on the topic once, by side and whether it is an event; the floor gives a notification no id."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of request. The plain peer has a path of its own for batches, and takes all as plain JSON."""

    what: str
    unit: str
    path: str
    content_type: str
    item: str
    each: int
    connections: int
    peer_path: str


CASES = (
    Case(what="batches of 100 CloudEvents, 16 connections", unit="events/s", path="/v1/events", content_type=BATCH,
         item=EVENT, each=100, connections=16, peer_path="/v1/events/batch"),
    Case(what="one CloudEvent a call, 64 connections", unit="requests/s", path="/v1/events", content_type=CLOUDEVENT,
         item=EVENT, each=1, connections=64, peer_path="/v1/events"),
    Case(what="one notification a call, 64 connections", unit="requests/s", path="/v1/notifications", content_type=JSON,
         item=SEND, each=1, connections=64, peer_path="/v1/notifications"),
)  # fmt: skip


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One case of one run of one side. Times in milliseconds, processor time of the server per item."""

    per_second: float
    p50: float
    p99: float
    cpu_us: float
    lost: int
    doubled: int


async def bench(stage: Stage, options: Options) -> list[Row]:
    runs: dict[tuple[str, str], list[Measured]] = defaultdict(list)
    for side in rounds(SIDES[:1] if options.profile else SIDES, options):
        names = await stage.lay(load.WORKFLOW)
        accepted: dict[str, int] = defaultdict(int)
        reports: dict[str, tuple[Report, float]] = {}
        first = count(step=NUMBERS_EACH)
        async with server(stage, names, side, options) as (worker, where):
            for case in CASES[:1] if options.profile else CASES:
                warm = await drive(plan(case, side, where, 0.3 if options.small else 1.0, next(first)))
                cpu = cpu_seconds(worker.pid or 0)
                report = await drive(plan(case, side, where, 1.5 if options.small else 6.0, next(first)))
                cpu = (cpu_seconds(worker.pid or 0) - cpu) / max(report.accepted, 1)
                reports[case.what] = report, cpu * 1e6
                accepted[topic(names, case)] += warm.accepted + report.accepted
                tell(case, side, report, cpu * 1e6)
        for case in CASES:
            if case.what in reports:
                lost, doubled = await verdict(names, case, side, accepted[topic(names, case)])
                runs[case.what, side].append(measured(*reports[case.what], lost, doubled))
        await stage.clear(names)
    return [] if options.profile else rows(runs)


def rows(runs: dict[tuple[str, str], list[Measured]]) -> list[Row]:
    """The table of all runs."""
    found = []
    for case in CASES:
        sides = [runs[case.what, side] for side in SIDES]
        lost, doubled = (sum(getattr(one, name) for side in sides for one in side) for name in ("lost", "doubled"))
        for what, unit, name, less in (
            ("", case.unit, "per_second", False),
            (", p50", "ms", "p50", True),
            (", p99", "ms", "p99", True),
            (", server's processor time", f"µs/{case.unit.partition('s/')[0]}", "cpu_us", True),
        ):
            ours, plain, floor = ([getattr(one, name) for one in side] for side in sides)
            found.append(
                compare(
                    case.what + what, unit, ours, plain, floor,
                    peer_name=PEER_NAME, less_is_better=less, lost=lost, doubled=doubled,
                )
            )  # fmt: skip
    return found


def plan(case: Case, side: str, where: tuple[int, str], seconds: float, first: int) -> Plan:
    """The load client's orders; `where` is the side's port and its API key."""
    plain, (port, key) = side == "plain", where
    return Plan(
        port=port,
        path=case.peer_path if plain else case.path,
        content_type=JSON if plain else case.content_type,
        authorization=f"Bearer {key}",
        item=case.item,
        each=case.each,
        array=case.each > 1,
        connections=case.connections,
        seconds=seconds,
        first=first,
    )


@asynccontextmanager
async def server(
    stage: Stage, names: Names, side: str, options: Options
) -> AsyncIterator[tuple[Child, tuple[int, str]]]:
    """One side, ready: its process, port and API key."""
    port = free_ports(1)[0]
    settings = {"CARILLON_INGEST_PORT": str(port)}
    if options.profile:
        worker, _ = stage.profiled(names, "ingest", options.profile, settings)
    elif side == "ours":
        worker = stage.service(names, "ingest", **settings).child
    else:
        worker = stage.program(names, PEERS[side], **settings)
    key = PLAIN_KEY
    if side == "ours":
        async with open_database(names.mongo, names.prefix, timeout_ms=60_000) as database:
            key = await create(database, tenant=TENANT, scopes=frozenset({Scope.SEND}), name="bench")
    worker.spawn()

    async def answers() -> bool:
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{port}/openapi.json") as answer,
            ):
                return answer.status < 500
        except aiohttp.ClientError:
            return False

    try:
        await worker.until(answers, 120)
        yield worker, (port, key)
    finally:
        await asyncio.to_thread(worker.stop, 30)


async def drive(orders: Plan) -> Report:
    """Runs the load client in its own process."""
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.http_load", cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await client.communicate(msgspec.json.encode(orders) + b"\n")
    if client.returncode:
        raise RuntimeError(f"the load client ended with {client.returncode}")
    return msgspec.json.decode(out, type=Report)


def topic(names: Names, case: Case) -> str:
    """Where a case's records go."""
    return names.topics.events if case.item is EVENT else names.topics.notifications


def tell(case: Case, side: str, report: Report, cpu_us: float) -> None:
    """A progress line; ends the benchmark when anything was refused."""
    say(f"{side:>5}, {case.what}: {report.accepted / report.seconds:8,.0f} {case.unit}, p50 {report.p50:.1f} ms,"
        f" p99 {report.p99:.1f} ms, {cpu_us:.1f} µs of CPU each (client {report.cpu_us / case.each:.1f})")  # fmt: skip
    if report.refused:
        raise RuntimeError(f"{report.refused} requests were refused by {side}; the client printed the first answer")


async def verdict(names: Names, case: Case, side: str, accepted: int) -> tuple[int, int]:
    """Lost and doubled: what a case's topic holds at the end, against everything answered with 202."""
    identify = IDENTIFIERS[side, case.item is EVENT]
    found = await asyncio.to_thread(tally.read, names.kafka, [topic(names, case)], identify)
    if found.lost(accepted) or found.doubled:
        say(f"{side:>5}, {case.what}: lost {found.lost(accepted)}, doubled {found.doubled} of {accepted}")
    return found.lost(accepted), found.doubled


def measured(report: Report, cpu_us: float, lost: int, doubled: int) -> Measured:
    """A run's figures."""
    return Measured(
        per_second=report.accepted / report.seconds,
        p50=report.p50,
        p99=report.p99,
        cpu_us=cpu_us,
        lost=lost,
        doubled=doubled,
    )


if __name__ == "__main__":
    main("ingest", __doc__.partition("\n")[0], bench)
