"""What `bench-gateway` measures of one gateway: processor time per message, memory per idle socket, latency at a rate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from bench.gateway_clients import Clients, Latency, clients
from bench.gateway_items import Kind
from bench.gateway_lines import cpu_us
from bench.gateway_sides import Server, Side, Spawned, credentials, running
from bench.ladder import highest
from bench.machine import rss_mib
from bench.run import say
from bench.stage import Stage

SOCKETS: Final = 1_000
STOPPED: Final = 100
FILL: Final = 34
"""Messages of 32 KB to each of those who have stopped reading: nearly what ours holds for one, besides the kernel."""
HELD_US: Final = 50_000
"""A rate is held when p99 is below this and nothing is missing."""
RATES: Final = (2_500, 5_000, 10_000, 20_000, 30_000, 40_000)
WARM_BATCHES: Final = 5
QUIET_SECONDS: Final = 2.0


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How much of everything."""

    batches: dict[Kind, int]
    idle: int
    """Sockets that do nothing, besides the first hundred."""
    seconds: int
    """Of a paced load."""


FULL: Final = Size(batches={Kind.BROADCAST: 40, Kind.UNICAST: 40, Kind.COALESCED: 8}, idle=9_900, seconds=5)
SMALL: Final = Size(batches={Kind.BROADCAST: 5, Kind.UNICAST: 5, Kind.COALESCED: 2}, idle=400, seconds=1)


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """Of one turn: µs of the server's processor time per message, and what was not counted once."""

    us: dict[Kind, float]
    lost: int
    doubled: int


class Paced(msgspec.Struct, frozen=True, kw_only=True):
    """One rate with everybody reading, then with some who have stopped; of those who read in both."""

    all_read: Latency
    some_stopped: Latency
    lost: int
    doubled: int


@asynccontextmanager
async def turn(
    side: Side, stage: Stage, most: int, *extra: str, small: int = 0
) -> AsyncIterator[tuple[Server, Clients]]:
    """A server, and clients of it that are not connected yet; `most`: how many users there can be."""
    async with (
        running(side, stage, SOCKETS, *extra) as server,
        clients(server.port, side.dialect, credentials(side, most), stage.folder, small=small) as sockets,
    ):
        yield server, sockets


async def costs(side: Side, stage: Stage, size: Size, *profile: str) -> Costs:
    """One batch at a time, each awaited: so a socket never has more to get than the batch holds for it."""
    async with turn(side, stage, SOCKETS, *profile) as (server, sockets):
        await sockets.connect(SOCKETS)
        await publish(server, sockets, Kind.UNICAST, WARM_BATCHES)
        found = {kind: await publish(server, sockets, kind, count) for kind, count in size.batches.items()}
        lost, doubled = await sockets.counted()
        if profile and isinstance(server, Spawned):
            await server.program.end()  # it writes the profile then
    say(f"{side.name:>15}: " + ", ".join(f"{kind} {us:.2f} µs" for kind, us in found.items()))
    return Costs(us=found, lost=lost, doubled=doubled)


async def publish(server: Server, sockets: Clients, kind: Kind, count: int) -> float:
    """µs of the server's processor time for each message."""
    await server.prepare(kind, count)
    await asyncio.sleep(0.2)  # what making them left to do
    before = cpu_us(server.pid)
    for _ in range(count):
        server.go()
        await sockets.came(SOCKETS * kind.each)
    return (cpu_us(server.pid) - before) / (SOCKETS * kind.each * count)


async def idle_kib(side: Side, stage: Stage, size: Size) -> float:
    """KiB of the server's memory for each authenticated socket that does nothing, beyond a first hundred."""
    async with turn(side, stage, size.idle + 100) as (server, sockets):
        await sockets.connect(100)
        await asyncio.sleep(QUIET_SECONDS)
        before = rss_mib(server.pid)
        await sockets.connect(size.idle)
        await asyncio.sleep(QUIET_SECONDS)
        found = (rss_mib(server.pid) - before) * 1024 / size.idle
    say(f"{side.name:>15}: {found:.1f} KiB per idle socket")
    return found


async def paced(side: Side, stage: Stage, size: Size, rate: int) -> Paced:
    """Latency at a fixed rate. Those who will stop have small buffers and long messages from the beginning."""
    async with turn(side, stage, SOCKETS, small=STOPPED) as (server, sockets):
        assert isinstance(server, Spawned)
        await sockets.connect(SOCKETS)
        await open_loop(server, sockets, rate, 1, reading=SOCKETS)
        all_read = await open_loop(server, sockets, rate, size.seconds, reading=SOCKETS)
        await sockets.stop(STOPPED)
        await server.program.ask(f"fill {FILL} {STOPPED}")
        await asyncio.sleep(QUIET_SECONDS)
        some_stopped = await open_loop(server, sockets, rate, size.seconds, reading=SOCKETS - STOPPED)
        lost, doubled = await sockets.counted()
    say(f"{side.name:>15}: at {rate:,}/s p99 {all_read.p99:,} µs, with {STOPPED} stopped {some_stopped.p99:,} µs")
    return Paced(all_read=all_read, some_stopped=some_stopped, lost=lost, doubled=doubled)


async def open_loop(server: Spawned, sockets: Clients, rate: int, seconds: int, *, reading: int) -> Latency:
    """Waits until all that was published has come."""
    await sockets.forget()
    server.program.say(f"pace {rate} {seconds} {STOPPED}")
    await sockets.came(rate * seconds // SOCKETS * reading)
    await server.program.heard()
    return await sockets.latency()


async def held(side: Side, stage: Stage, size: Size) -> int:
    """The highest of RATES that a side holds; 0 for none."""
    async with turn(side, stage, SOCKETS) as (server, sockets):
        assert isinstance(server, Spawned)
        await sockets.connect(SOCKETS)

        async def holds(rate: int) -> bool:
            latency = await open_loop(server, sockets, rate, min(size.seconds, 2), reading=SOCKETS)
            lost, _ = await sockets.counted()
            return latency.p99 < HELD_US and not lost

        return await highest(RATES, holds)
