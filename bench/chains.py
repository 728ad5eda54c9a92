"""The three chains that `bench-e2e` runs in turn: the product, the naive chain, and the floor; each hop a process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from bench.dialects import DialectName
from bench.stage import Names, Stage
from sandbox.child import Child, listens
from sandbox.free_ports import free_ports

READY_SECONDS = 180
SERVICES = ("ingest", "router", "delivery", "gateway", "scheduler", "console")
TYPE = "bench.rang"
WORKFLOW = "bench.bell"
PAD = "https://example.com/orders/A-17/track?source=notification&campaign=spring-sale&locale=en-GB&variant=b"
DATA = f'"n":"@NUMBER@","stamp":"@STAMP@","order":"A-17","carrier":"DHL","city":"Rotterdam","url":"{PAD}"'
SEND = f'{{"workflow":"{WORKFLOW}","recipients":["user-@USER@"],"data":{{{DATA}}}}}'
SEND_IN_APP = f'{{"workflow":"{WORKFLOW}","recipients":["user-@USER@"],"data":{{{DATA},"channels":["in_app"]}}}}'
"""To the floor, which has no workflows: the event itself names its channels."""
EVENT = (
    f'{{"specversion":"1.0","id":"@NUMBER@","source":"/bench","type":"{TYPE}","subject":"user-@USER@",'
    f'"data":{{{DATA},"recipient_ids":["user-@USER@"]}}}}'
)


class Way(StrEnum):
    """By which path an event comes in."""

    NOTIFICATIONS = "/v1/notifications"
    EVENTS = "/v1/events"


class Case(msgspec.Struct, frozen=True):
    """One way in at one rate (events per second), `each` events in a request."""

    way: Way
    rate: int
    each: int = 1

    @property
    def what(self) -> str:
        return f"POST {self.way}, {self.rate:,}/s, {self.each if self.each > 1 else 'one'} each"

    @property
    def direct(self) -> Case:
        """The same load without the hop that looks for recipients: what the others are measured at."""
        return Case(Way.NOTIFICATIONS, self.rate, self.each)


CASES = (
    Case(Way.NOTIFICATIONS, 100),
    Case(Way.NOTIFICATIONS, 1_000),
    Case(Way.EVENTS, 100),
    Case(Way.EVENTS, 1_000, 10),
    Case(Way.EVENTS, 5_000, 50),
)


@dataclass(frozen=True, kw_only=True)
class Chain:
    """What is known of a chain before it runs. `cases` rise: what overloads it comes last."""

    name: str
    dialect: DialectName
    items: Mapping[Way, str]
    warm_up: Case
    cases: tuple[Case, ...]
    climbs: bool
    """Whether the highest rate that it holds is looked for."""
    limit_seconds: float
    """How long after a load's last request it may go on delivering; the rest is late."""
    programs: Mapping[str, tuple[str, ...]]
    """Its hops, from edge to gateway, as modules and their arguments; empty: the product's services."""


WORKER = ("worker", "-l", "error", "--without-web")
OURS = Chain(
    name="ours",
    dialect=DialectName.CARILLON,
    items={Way.NOTIFICATIONS: SEND, Way.EVENTS: EVENT},
    warm_up=Case(Way.EVENTS, 200, 10),
    cases=tuple(sorted(CASES, key=lambda case: case.rate)),
    climbs=True,
    limit_seconds=60,
    programs={},
)
NAIVE = Chain(
    name="naive",
    dialect=DialectName.SOCKETIO,
    items={Way.NOTIFICATIONS: SEND},
    warm_up=Case(Way.NOTIFICATIONS, 50),
    cases=(Case(Way.NOTIFICATIONS, 100), Case(Way.NOTIFICATIONS, 1_000)),
    climbs=True,
    limit_seconds=8,
    programs={
        "bench.peers.plain_ingest": (),
        "bench.peers.naive_agent": WORKER,
        "bench.peers.naive_inbox": (),
        "bench.peers.naive_gateway": (),
    },
)
FLOOR = Chain(
    name="floor",
    dialect=DialectName.CARILLON,
    items={Way.NOTIFICATIONS: SEND_IN_APP},
    warm_up=Case(Way.NOTIFICATIONS, 200, 10),
    cases=tuple(sorted({case.direct for case in CASES}, key=lambda case: (case.rate, case.each))),
    climbs=False,
    limit_seconds=60,
    programs={
        "bench.peers.floor_ingest": (),
        "bench.peers.floor_router": WORKER,
        "bench.peers.floor_inbox": (),
        "bench.peers.floor_gateway": (),
    },
)
CHAINS = {chain.name: chain for chain in (OURS, NAIVE, FLOOR)}


@dataclass(frozen=True, kw_only=True)
class Running:
    """A chain that runs: where it listens, and all that works for it."""

    http: int
    sockets: int
    pids: Mapping[str, int]
    hops: Sequence[Child]

    def check(self) -> None:
        """Raises RuntimeError with the log of a hop that has ended by itself: what it lost is no figure."""
        for hop in self.hops:
            if not hop.alive:
                raise RuntimeError(f"{hop.name} ended by itself.\n{hop.tail()}")


@asynccontextmanager
async def running(stage: Stage, names: Names, chain: Chain) -> AsyncIterator[Running]:
    """A chain from ready to ended. Raises NotReady with the log of the hop that is not."""
    http, api, sockets, console = free_ports(4)
    settings = {
        "CARILLON_INGEST_PORT": str(http),
        "CARILLON_GATEWAY_PORT": str(api),
        "CARILLON_SOCKET_PORT": str(sockets),
        "CARILLON_CONSOLE_PORT": str(console),
        "CARILLON_DELIVERY_CHANNELS": "in_app",
        "CARILLON_UNLIMITED_NETWORKS": "127.0.0.0/8",
    }
    services = [] if chain.programs else [stage.service(names, name, **settings) for name in SERVICES]
    hops = [service.child for service in services] or [
        _program(stage, names, module, arguments, settings) for module, arguments in chain.programs.items()
    ]
    try:
        for hop in hops:
            hop.spawn()
        for service in services:
            await service.ready(READY_SECONDS)
        if not services:
            await _opens(hops[0], http)
            await _opens(hops[-1], sockets)
        brokers = {"Kafka": stage.kafka.child.pid or 0, "mongod": stage.mongod.child.pid or 0}
        yield Running(
            http=http,
            sockets=sockets,
            pids=brokers | {hop.name.rpartition(".")[2]: hop.pid or 0 for hop in hops},
            hops=hops,
        )
    finally:
        await asyncio.gather(*(asyncio.to_thread(hop.stop, 30 if services else 2) for hop in hops))


async def _opens(hop: Child, port: int) -> None:
    """Waits until the hop accepts connections."""

    async def accepts() -> bool:
        return await listens(port)

    await hop.until(accepts, READY_SECONDS)


def _program(stage: Stage, names: Names, module: str, arguments: tuple[str, ...], settings: Mapping[str, str]) -> Child:
    """A peer's hop; a Faust worker gets a folder of its own."""
    folder = ("--datadir", str(stage.folder / f"{names.prefix}-faust")) if arguments else ()
    return stage.program(names, module, *folder, *arguments, **settings)
