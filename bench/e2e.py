"""`make bench-e2e`: from POST to a user's socket, the whole product on this machine, at fixed rates.

ingest, router, delivery (in_app) and gateway as they run, 1,000 sockets; an open loop, so a late answer delays nothing
but itself. The latency runs from the moment a request was due to the moment its frame was read.
"""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec

from bench import paced_load, socket_clients
from bench.figures import Row, compare
from bench.machine import ROOT, cpu_seconds
from bench.run import Options, main, rounds, say
from bench.stage import TENANT, TOKEN_SECRET, Names, Stage
from sandbox.free_ports import free_ports
from shared.http import tokens
from shared.model.channels import Channel
from shared.model.steps import Step
from shared.model.workflows import InAppTemplate, Templates, Workflow
from shared.mongo.api_keys import Scope, create
from shared.mongo.database import open_database
from shared.process.clock import now_ms

T = TypeVar("T")
SOCKETS = 1_000
WARM_UPS = range(2)
"""Loads nobody looks at: the first one opens connections, and meets a JVM that has compiled nothing."""
SERVICES = ("ingest", "router", "delivery", "gateway")
TYPE = "bench.rang"
BELL = Workflow(
    key="bench.bell",
    category="bench",
    steps=(Step(key="notify", channels=(Channel.IN_APP,)),),
    on=(TYPE,),
    recipients="data.recipient_ids",
    templates=Templates(in_app=InAppTemplate(title="Number {{ data.n }}", body="It rang.")),
    version=1,
)
PAD = "https://example.com/orders/A-17/track?source=notification&campaign=spring-sale&locale=en-GB&variant=b"
DATA = f'"n":"@NUMBER@","stamp":"@STAMP@","order":"A-17","carrier":"DHL","city":"Rotterdam","url":"{PAD}"'
SEND = f'{{"workflow":"bench.bell","recipients":["user-@USER@"],"data":{{{DATA}}}}}'
EVENT = (
    f'{{"specversion":"1.0","id":"@NUMBER@","source":"/bench","type":"{TYPE}","subject":"user-@USER@",'
    f'"data":{{{DATA},"recipient_ids":["user-@USER@"]}}}}'
)


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One way in at one rate (events per second), `each` events in a request."""

    what: str
    path: str
    content_type: str
    item: str
    rate: int
    each: int = 1


def notifications(rate: int) -> Case:
    return Case(
        what=f"POST /v1/notifications, {rate:,}/s, one each", path="/v1/notifications", content_type="application/json",
        item=SEND, rate=rate,
    )  # fmt: skip


def events(rate: int, each: int) -> Case:
    media = "application/cloudevents-batch+json" if each > 1 else "application/cloudevents+json"
    how = f"{each} each" if each > 1 else "one each"
    return Case(
        what=f"POST /v1/events, {rate:,}/s, {how}",
        path="/v1/events",
        content_type=media,
        item=EVENT,
        rate=rate,
        each=each,
    )


CASES = {
    case.what: case
    for case in (notifications(100), notifications(1_000), events(100, 1), events(1_000, 10), events(5_000, 50))
}


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One case of one run. Times in milliseconds; processor time of everything but the load per event."""

    p50: float
    p99: float
    cpu_us: float
    refused: int
    """Events that were not answered with 202: not lost, but the rate was not reached."""
    lost: int
    doubled: int


class Talker:
    """A program that answers a JSON line with a JSON line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def ask(self, question: Any, answer: type[T]) -> T:
        return msgspec.json.decode(await self.line(question), type=answer)

    async def line(self, question: Any) -> bytes:
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("no pipes")
        self.process.stdin.write(msgspec.json.encode(question) + b"\n")
        found = await self.process.stdout.readline()
        if not found:
            raise RuntimeError("a client ended before it answered; what it said stands above")
        return found


@asynccontextmanager
async def talker(module: str) -> AsyncIterator[Talker]:
    """`python -m module`, ended at the end."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, cwd=ROOT, stdin=pipe, stdout=pipe, limit=2**24
    )
    try:
        yield Talker(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def bench(stage: Stage, options: Options) -> list[Row]:
    names = await stage.lay(BELL)
    http, api, sockets = free_ports(3)
    key = await lay_users(names)
    settings = {
        "CARILLON_INGEST_PORT": str(http),
        "CARILLON_GATEWAY_PORT": str(api),
        "CARILLON_SOCKET_PORT": str(sockets),
        "CARILLON_DELIVERY_CHANNELS": "in_app",
    }
    running = {name: stage.service(names, name, **settings) for name in SERVICES}
    pids = {"Kafka": stage.kafka.child.pid or 0, "mongod": stage.mongod.child.pid or 0}
    runs: dict[str, list[Measured]] = defaultdict(list)
    try:
        for service in running.values():
            service.spawn()
        for service in running.values():
            await service.ready(180)
        pids |= {name: service.pid or 0 for name, service in running.items()}
        say("the services are ready; connecting the sockets ...")
        async with talker("bench.socket_clients") as clients:
            now = now_ms() // 1000
            minted = [
                tokens.mint(TOKEN_SECRET, tenant=TENANT, user=f"user-{number}", now=now, ttl_seconds=7200)
                for number in range(SOCKETS)
            ]
            await clients.line(socket_clients.Plan(port=sockets, tokens=minted))
            seconds = 2 if options.small else 6
            await idle(pids)
            for load in WARM_UPS:
                await once(clients, plan(events(200, 10), http, key, 2, load), load, pids)
            for load, what in enumerate(rounds(tuple(CASES), options), len(WARM_UPS)):
                runs[what].append(await once(clients, plan(CASES[what], http, key, seconds, load), load, pids))
    finally:
        for service in running.values():
            await asyncio.to_thread(service.terminate, 30)
    return rows(runs)


def rows(runs: dict[str, list[Measured]]) -> list[Row]:
    """The table of all runs; nobody stands beside."""
    found = []
    for what, measured in runs.items():
        lost, doubled = sum(one.lost for one in measured), sum(one.doubled for one in measured)
        figures = [("p50", "ms", "p50"), ("p99", "ms", "p99"), ("processor time, all", "µs/event", "cpu_us")]
        if any(one.refused for one in measured):
            figures.append(("refused, the rate was not reached", "events", "refused"))
        for name, unit, field in figures:
            values = [getattr(one, field) for one in measured]
            found.append(compare(f"{what}: {name}", unit, values, lost=lost, doubled=doubled))
    return found


async def lay_users(names: Names) -> str:
    """Profiles for the sockets' users, and an API key."""
    async with open_database(names.mongo, names.prefix, timeout_ms=60_000) as database:
        await database.profiles.insert_many(
            {"_id": f"{TENANT}:user-{number}", "tenant": TENANT, "user": f"user-{number}", "version": 1, "locale": "en"}
            for number in range(SOCKETS)
        )
        return await create(database, tenant=TENANT, scopes=frozenset({Scope.SEND}), name="bench")


def plan(case: Case, port: int, key: str, seconds: float, load: int) -> paced_load.Plan:
    """The load client's orders."""
    return paced_load.Plan(
        port=port,
        path=case.path,
        content_type=case.content_type,
        authorization=f"Bearer {key}",
        item=case.item,
        each=case.each,
        rate=case.rate / case.each,
        seconds=seconds,
        users=SOCKETS,
        first=load * socket_clients.NUMBERS_EACH,
    )


async def idle(pids: dict[str, int]) -> None:
    """Tells what the product costs while nothing happens: at low rates that is most of it."""
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    await asyncio.sleep(3)
    used = (f"{name} {(cpu_seconds(pid) - before[name]) / 3:.0%}" for name, pid in pids.items())
    say(f"with {SOCKETS:,} sockets and nothing to do, of one core: {', '.join(used)}")


async def once(clients: Talker, orders: paced_load.Plan, load: int, pids: dict[str, int]) -> Measured:
    """One load from its first request to its last frame."""
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    async with talker("bench.paced_load") as client:
        sent = await client.ask(orders, paced_load.Report)
    question = socket_clients.Question(load=load, expect=sent.accepted, patience=15)
    came = await clients.ask(question, socket_clients.Report)
    count = max(1, sent.accepted)
    used = {name: (cpu_seconds(pid) - before[name]) / count * 1e6 for name, pid in pids.items()}
    lost, doubled = max(0, sent.accepted - came.distinct), came.received - came.distinct
    parts = ", ".join(f"{name} {value:.0f}" for name, value in used.items())
    say(f"{orders.path}, {orders.rate * orders.each:,.0f}/s: p50 {came.p50:.1f}, p99 {came.p99:.1f}, worst {came.worst:.1f} ms,"
        f" lost {lost}, doubled {doubled}, refused {sent.refused}, sockets closed {came.closed}, sent in {sent.seconds:.1f} s;"
        f" µs of CPU per event: {parts}, load client {sent.cpu_us / orders.each:.0f}, sockets client {came.cpu_us:.0f}")  # fmt: skip
    return Measured(
        p50=came.p50,
        p99=came.p99,
        cpu_us=sum(used.values()),
        refused=sent.refused * orders.each,
        lost=lost,
        doubled=doubled,
    )


if __name__ == "__main__":
    main("e2e", __doc__.partition("\n")[0], bench)
