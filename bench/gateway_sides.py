"""The gateways that `bench-gateway` runs by turns, each pinned to one core, all told alike what to publish."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from confluent_kafka import Producer

from bench.gateway_items import EVERYONE, ITEM, Kind, Template, batch, event
from bench.gateway_lines import CENTRIFUGE, LOAD_CLIENT, SERVER_CORE, Program, pin, program
from bench.stage import TENANT, TOKEN_SECRET, Names, Stage
from sandbox.child import listens
from sandbox.free_ports import free_ports
from shared.http import tokens
from shared.model import ids
from shared.process.clock import now_ms

OURS: Final = "ours"
OURS_KAFKA: Final = "ours, Kafka"
CENTRIFUGE_NAME: Final = "centrifuge"
SOCKETIO: Final = "python-socketio"
SEND_LOOP: Final = "c send loop"


class Server(Protocol):
    """A gateway that runs."""

    port: int
    pid: int

    async def prepare(self, kind: Kind, count: int) -> None:
        """Makes so many batches, before the clock runs."""
        ...

    def go(self) -> None:
        """Publishes the next batch; does not wait."""
        ...


@dataclass(frozen=True, kw_only=True)
class Side:
    """What is known of a gateway before it runs."""

    name: str
    dialect: str
    program: tuple[str, ...] = ()
    """Before PORT, SOCKETS and ITEM; empty: the service that reads Kafka."""
    env: dict[str, str] = field(default_factory=dict)
    idles: bool = True
    """Whether its memory per idle socket is a figure."""

    @property
    def has_tokens(self) -> bool:
        """Whether it verifies JWTs; the others take the user's name for it."""
        return self.dialect == "carillon"


PYTHON: Final = (sys.executable, "-m")
SIDES: Final = {
    side.name: side
    for side in (
        Side(name=OURS, dialect="carillon", program=(*PYTHON, "bench.peers.own_gateway")),
        Side(name=OURS_KAFKA, dialect="carillon"),
        Side(name=CENTRIFUGE_NAME, dialect="centrifuge", program=(str(CENTRIFUGE),), env={"GOMAXPROCS": "1"}),
        Side(name=SOCKETIO, dialect="socketio", program=(*PYTHON, "bench.peers.socketio_gateway")),
        Side(name=SEND_LOOP, dialect="plain", program=(str(LOAD_CLIENT), "floor"), idles=False),
    )
}


class Spawned:
    """A server in a process that obeys lines."""

    def __init__(self, program: Program, port: int) -> None:
        self.program, self.port, self.pid = program, port, program.pid

    async def prepare(self, kind: Kind, count: int) -> None:
        await self.program.ask(f"prepare {kind} {count}")

    def go(self) -> None:
        self.program.say("go")


class ReadsKafka:
    """The service itself: what it is to send is written to its topic, by a client in C on the other core."""

    def __init__(self, names: Names, port: int, pid: int, sockets: int) -> None:
        self.port, self.pid = port, pid
        self._topic = names.topics.inbox
        self._sockets = sockets
        self._number = 0
        self._template = Template()
        self._keys = [ids.user_key(TENANT, f"user-{user}") for user in range(sockets)]
        self._batches: list[list[tuple[bytes, bytes]]] = []
        self._producer = Producer(
            {"bootstrap.servers": names.kafka, "partitioner": "murmur2_random", "linger.ms": 5, "acks": "all"}
        )

    async def prepare(self, kind: Kind, count: int) -> None:
        for _ in range(count):
            made = []
            for user, item in batch(kind, self._sockets, self._number, self._template):
                keys = self._keys if user == EVERYONE else (self._keys[user],)
                made += [(key, event(item)) for key in keys]
            self._batches.append(made)
            self._number += kind.each

    def go(self) -> None:
        for key, value in self._batches.pop(0):
            self._producer.produce(self._topic, value, key)
        self._producer.flush(30)


@asynccontextmanager
async def running(side: Side, stage: Stage, sockets: int, *extra: str) -> AsyncIterator[Server]:
    """A side that listens; `extra` are further arguments of its program."""
    port = free_ports(1)[0]
    if not side.program:
        async with _service(stage, port, sockets) as server:
            yield server
        return
    arguments = [*side.program, str(port), str(sockets), ITEM, *extra]
    async with program(side.name, SERVER_CORE, arguments, side.env) as process:
        await process.heard()
        if side.name != SEND_LOOP:  # it takes any connection for one of its users
            while not await listens(port):  # noqa: ASYNC110  # of another process
                await asyncio.sleep(0.05)
        yield Spawned(process, port)


@asynccontextmanager
async def _service(stage: Stage, port: int, sockets: int) -> AsyncIterator[Server]:
    names = await stage.lay()
    settings = {"CARILLON_SOCKET_PORT": str(port), "CARILLON_GATEWAY_PORT": str(free_ports(1)[0])}
    service = stage.service(names, "gateway", **settings)
    service.spawn()
    try:
        pin(service.pid or 0, SERVER_CORE)
        await service.ready(180)
        pin(service.pid or 0, SERVER_CORE)
        yield ReadsKafka(names, port, service.pid or 0, sockets)
    finally:
        await asyncio.to_thread(service.kill)
        await stage.clear(names)


def credentials(side: Side, count: int) -> list[str]:
    """What each socket's user shows."""
    names = [f"user-{number}" for number in range(count)]
    if not side.has_tokens:
        return names
    now = now_ms() // 1000
    return [tokens.mint(TOKEN_SECRET, tenant=TENANT, user=name, now=now, ttl_seconds=7200) for name in names]
