"""`make bench-router`: the router beside a naive Faust agent of the same rules, a bare one, and the floor.

Each run has fresh topics with a backlog; a side is timed from its first to its last output by the producers' times.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict

import msgspec

from bench import load, tally
from bench.figures import Row, compare
from bench.machine import cpu_seconds
from bench.run import Options, main, rounds, say
from bench.stage import Names, Stage
from sandbox.child import Child

PATIENCE_SECONDS = 30
SIDES = ("ours", "same rules", "bare", "floor")
EVENTS = {"ours": 60_000, "same rules": 3_000, "bare": 12_000, "floor": 60_000}
SMALL = {"ours": 6_000, "same rules": 400, "bare": 2_000, "floor": 6_000}
PEERS = {
    "same rules": "bench.peers.naive_router",
    "bare": "bench.peers.bare_router",
    "floor": "bench.peers.floor_router",
}
PEER_NAMES = {
    "same rules": "naive Faust agent, same rules, find_one + insert_one",
    "bare": "naive Faust agent, no rules",
}


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one side."""

    events_per_second: float
    cpu_us: float
    """Processor time of the process per event."""
    lost: int
    doubled: int


async def bench(stage: Stage, options: Options) -> list[Row]:
    events = SMALL if options.small else EVENTS
    if options.profile:
        await once(stage, "ours", events["ours"], options)
        return []
    runs: dict[str, list[Measured]] = defaultdict(list)
    for side in rounds(SIDES, options):
        runs[side].append(await once(stage, side, events[side], options))
    return compared(runs)


def compared(runs: dict[str, list[Measured]]) -> list[Row]:
    """The table of all runs."""
    found = []
    for peer, peer_name in PEER_NAMES.items():
        sides = runs["ours"], runs[peer], runs["floor"]
        lost, doubled = (sum(getattr(one, name) for side in sides for one in side) for name in ("lost", "doubled"))
        for what, unit, name, less in (
            ("router, 1 event to 2.5 deliveries and a status", "events/s", "events_per_second", False),
            ("router, processor time of the process", "µs/event", "cpu_us", True),
        ):
            ours, theirs, floor = ([getattr(one, name) for one in side] for side in sides)
            found.append(
                compare(
                    what,
                    unit,
                    ours,
                    theirs,
                    floor,
                    peer_name=peer_name,
                    less_is_better=less,
                    lost=lost,
                    doubled=doubled,
                )
            )
    return found


async def once(stage: Stage, side: str, count: int, options: Options) -> Measured:
    """A backlog of `count` events, drained by one side."""
    names = await stage.lay(load.WORKFLOW)
    await load.lay_users(names)
    await asyncio.to_thread(load.preload, names, count)
    if options.profile:
        worker, _ = stage.profiled(names, "router", options.profile, {})
    elif side == "ours":
        worker = stage.service(names, "router").child
    else:
        datadir = str(stage.folder / f"{names.prefix}-faust")
        worker = stage.program(names, PEERS[side], "--datadir", datadir, "worker", "-l", "error", "--without-web")
    worker.spawn()
    try:
        cpu = await drained(names, worker, side, count)
    finally:
        await asyncio.to_thread(worker.stop, 30)
    made = await asyncio.to_thread(tally.read, names.kafka, load.delivery_topics(names), tally.field("id"))
    expected = load.deliveries(count)
    lost, doubled, seconds = made.lost(expected), made.doubled, made.seconds
    if side != "bare":
        identify = tally.field("id") if side == "floor" else tally.header("ce_id")
        told = await asyncio.to_thread(tally.read, names.kafka, [names.topics.statuses], identify)
        lost, doubled = lost + told.lost(count), doubled + told.doubled
        seconds = max(made.last, told.last) - min(made.first, told.first)
    await stage.clear(names)
    say(f"{side:>10}: {count:6} events in {seconds:6.2f} s = {count / seconds:7,.0f}/s, {cpu / count * 1e6:5.0f} µs of CPU"
        f" each, lost {lost}, doubled {doubled}")  # fmt: skip
    return Measured(events_per_second=count / seconds, cpu_us=cpu / count * 1e6, lost=lost, doubled=doubled)


async def drained(names: Names, worker: Child, side: str, count: int) -> float:
    """Waits until all outputs are there, or no more come; returns the processor time since the first."""
    topics = [*load.delivery_topics(names), *([names.topics.statuses] if side != "bare" else [])]
    expected = load.deliveries(count) + (count if side != "bare" else 0)
    begun, seen, moved = 0.0, 0, time.monotonic()
    async with tally.Ends(names.kafka) as ends:
        while seen < expected and time.monotonic() - moved < PATIENCE_SECONDS:
            if not worker.alive:
                raise RuntimeError(f"{side} ended by itself.\n{worker.tail()}")
            used, now = cpu_seconds(worker.pid or 0), await ends.count(topics)
            if now > seen:
                begun, seen, moved = begun or used, now, time.monotonic()
            await asyncio.sleep(0.1)
    return cpu_seconds(worker.pid or 0) - begun


if __name__ == "__main__":
    main("router", __doc__.partition("\n")[0], bench)
