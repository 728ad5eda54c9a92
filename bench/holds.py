"""`make bench-holds`: the scheduler beside the prototype of the lab, with a million holds pending on each side."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count as numbers

from bench import load, tally
from bench.due_holds import OTHER, SIDES, Back, fill, hold, insert, read_back
from bench.figures import Row, compare, percentile
from bench.machine import cpu_seconds
from bench.run import Options, main, rounds, say
from bench.stage import TENANT, Names, Stage
from sandbox.child import Child
from shared.model.holds import Hold
from shared.mongo.database import Database, open_database
from shared.process.clock import now_ms

PATIENCE_SECONDS = 30
INSERTED_PER_SECOND = 5_000
"""Of which machine ever: what comes due is stored before the first of it does."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much of everything."""

    pending: int
    backlog: int
    seconds: int
    rate: int
    flood: int
    beside: int


FULL = Size(pending=1_000_000, backlog=40_000, seconds=10, rate=2_000, flood=100_000, beside=200)
SMALL = Size(pending=20_000, backlog=4_000, seconds=3, rate=500, flood=4_000, beside=50)


@dataclass(kw_only=True)
class Scene:
    """One database with the holds of both sides, and how far the topic has been read."""

    stage: Stage
    names: Names
    database: Database
    size: Size
    offsets: dict[int, int] = field(default_factory=dict)
    mark: Iterator[int] = field(default_factory=numbers)

    def child(self, side: str) -> Child:
        if side == "ours":
            return self.stage.service(self.names, "scheduler").child
        return self.stage.program(self.names, "bench.peers.prototype_scheduler")

    def holds(self, count: int, first: int, seconds: float, tenant: str = TENANT) -> Iterator[Hold]:
        """`count` that come due one after the other from `first` on."""
        mark = str(next(self.mark))
        for number in range(count):
            yield hold(mark, number, first + round(number * seconds * 1000 / count), tenant)

    async def run(self, side: str, worker: Child, expected: int) -> Back:
        """Until all that was stored is back, or no more comes."""
        start = sum(self.offsets.values())
        seen, first, moved, used = 0, 0, time.monotonic(), 0.0
        async with tally.Ends(self.names.kafka) as ends:
            while seen < expected and time.monotonic() - moved < PATIENCE_SECONDS:
                if not worker.alive:
                    raise RuntimeError(f"{side} ended by itself.\n{worker.tail()}")
                now = await ends.count([self.names.topics.notifications]) - start
                if now > seen:
                    used = used or cpu_seconds(worker.pid or 0)
                    first = first or now
                    seen, moved = now, time.monotonic()
                await asyncio.sleep(0.1)
            cpu = cpu_seconds(worker.pid or 0) - used
        back = await asyncio.to_thread(read_back, self.names, self.offsets)
        back.cpu_us = cpu / max(1, seen - first) * 1e6
        return back

    async def backlog(self, side: str) -> Back:
        """All of it is due when the side begins."""
        await insert(self.database, side, self.holds(self.size.backlog, now_ms() - 60_000, 30))
        worker = self.child(side)
        worker.spawn()
        try:
            return await self.run(side, worker, self.size.backlog)
        finally:
            await asyncio.to_thread(worker.stop, 30)

    async def paced(self, side: str, rate: int, flood: int = 0) -> Back:
        """`rate` a second come due, for some seconds; of another tenant if one floods the scheduler meanwhile."""
        total = rate * self.size.seconds
        worker = self.child(side)
        worker.spawn()
        try:
            start = now_ms() + 5_000 + (total + flood) * 1000 // INSERTED_PER_SECOND
            await insert(self.database, side, self.holds(flood, start + 2_000, 1))
            await insert(self.database, side, self.holds(total, start, self.size.seconds, OTHER))
            if now_ms() > start:
                say("this machine stored more slowly than the load came due: its first part is late from the outset")
            return await self.run(side, worker, total + flood)
        finally:
            await asyncio.to_thread(worker.stop, 30)


async def bench(stage: Stage, options: Options) -> list[Row]:
    size = SMALL if options.small else FULL
    names = await stage.lay(load.WORKFLOW)
    async with open_database(names.mongo, names.prefix, timeout_ms=120_000) as database:
        say(f"storing {size.pending:,} holds on each side that wait")
        await fill(database, size.pending)
        scene = Scene(stage=stage, names=names, database=database, size=size)
        drained: dict[str, list[Back]] = defaultdict(list)
        for side in rounds(SIDES, options):
            back = await scene.backlog(side)
            drained[side].append(back)
            say(
                f"{side:>10}: {back.total:,} in {back.seconds:.1f} s = {back.total / back.seconds:,.0f}/s, {back.cpu_us:.0f} µs of CPU each"
            )
        rows = throughput(drained, size)
        for rate in sorted({size.rate, half_of(drained["ours"])}):
            rows += lateness(
                f"{rate:,} a second come due",
                {side: await scene.paced(side, rate) for side in SIDES},
                rate * size.seconds,
            )
        alone = {side: await scene.paced(side, size.beside) for side in SIDES}
        rows += lateness(f"one tenant, {size.beside} a second", alone, size.beside * size.seconds)
        beside = {side: await scene.paced(side, size.beside, size.flood) for side in SIDES}
        rows += lateness(
            f"the same beside {size.flood:,} of another tenant in a second",
            beside,
            size.beside * size.seconds + size.flood,
        )
    await stage.clear(names)
    return rows


def half_of(backs: list[Back]) -> int:
    """Half of the highest rate held, a round figure."""
    return max(100, round(percentile([back.total / back.seconds for back in backs], 0.5) / 200) * 100)


def throughput(drained: dict[str, list[Back]], size: Size) -> list[Row]:
    lost = sum(size.backlog - back.distinct for back in drained["ours"])
    doubled = sum(back.total - back.distinct for back in drained["ours"])
    peer = "the prototype: look at 800, take 200, produce, delete"
    rates, cpu = (
        [[figure(back) for back in drained[side]] for side in SIDES]
        for figure in (lambda back: back.total / back.seconds, lambda back: back.cpu_us)
    )
    return [
        compare(
            "release what is due, beside what waits", "holds/s", *rates, peer_name=peer, lost=lost, doubled=doubled
        ),
        compare("processor time of the process", "µs/hold", *cpu, peer_name=peer, less_is_better=True),
    ]


def lateness(what: str, backs: dict[str, Back], expected: int) -> list[Row]:
    """How late those of the tenant were that is looked at, and that none was early."""
    ours, theirs = (backs[side] for side in SIDES)
    for side, back in backs.items():
        late = back.late.get(OTHER, [])
        say(
            f"{side:>10}: {what}: p50 {percentile(late, 0.5):,.0f} ms, p99 {percentile(late, 0.99):,.0f} ms, early {back.early}"
        )
    rows = [
        compare(
            f"{what}: lateness {name}",
            "ms",
            [percentile(ours.late.get(OTHER, []), share)],
            [percentile(theirs.late.get(OTHER, []), share)],
            peer_name="the prototype",
            less_is_better=True,
            lost=expected - ours.distinct,
            doubled=ours.total - ours.distinct,
        )
        for name, share in (("p50", 0.5), ("p99", 0.99))
    ]
    return [*rows, Row(what=f"{what}: early", unit="holds", ours=ours.early, peer=theirs.early)]


if __name__ == "__main__":
    main("holds", __doc__.partition("\n")[0], bench)
