"""`make bench-router`: the router beside a naive Faust agent of the same rules, a bare one, and the floor.

Each run has fresh topics with a backlog; a side is timed from its first to its last output by the producers' times.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from pathlib import Path

import msgspec

from bench import load, tally
from bench.figures import Row, compare
from bench.load import PLAIN
from bench.machine import ROOT, cpu_seconds
from bench.rules_load import RULES
from bench.run import Options, main, rounds, say
from bench.stage import Names, Stage
from sandbox.child import Child

PATIENCE_SECONDS = 30
SIDES = ("ours", "same rules", "bare", "floor")
EVENTS = {"ours": 60_000, "same rules": 3_000, "bare": 12_000, "floor": 60_000}
SMALL = {"ours": 6_000, "same rules": 400, "bare": 2_000, "floor": 6_000}
SCENARIOS = {"plain": PLAIN, "rules": RULES}
SAME_RULES = {"plain": "bench.peers.naive_router", "rules": "bench.peers.naive_rules"}
PEERS = {
    "bare": "bench.peers.bare_router",
    "floor": "bench.peers.floor_router",
}
PEER_NAMES = {
    "same rules": "naive Faust agent, same rules, find_one + insert_one",
    "bare": "naive Faust agent, no rules",
}


WHAT_OF = {
    "plain": "1 event to 2.5 deliveries and a status",
    "rules": "throttle, cap, tenant's defaults, suppression list: 1 event to 2.2 deliveries and a status",
}
AS_OF = {"plain": "", "rules": ", with throttle, cap, tenant's defaults, suppression list"}


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
        await once(stage, "ours", events["ours"], options, name=options.only or "plain")
        return []
    names = [options.only] if options.only else list(SCENARIOS)
    runs: dict[tuple[str, str], list[Measured]] = defaultdict(list)
    for turn in rounds([f"{name}/{side}" for name in names for side in SIDES], options):
        name, _, side = turn.partition("/")
        runs[name, side].append(await once(stage, side, events[side], options, name=name))
    return [row for name in names for row in compared({side: runs[name, side] for side in SIDES}, name)]


def compared(runs: dict[str, list[Measured]], name: str = "plain") -> list[Row]:
    """The table of all runs of a scenario."""
    found = []
    what_of = WHAT_OF[name]
    for peer, peer_name in PEER_NAMES.items():
        sides = runs["ours"], runs[peer], runs["floor"]
        lost, doubled = (sum(getattr(one, kind) for side in sides for one in side) for kind in ("lost", "doubled"))
        for what, unit, figure, less in (
            (f"router, {what_of}", "events/s", "events_per_second", False),
            (f"router, processor time of the process{AS_OF[name]}", "µs/event", "cpu_us", True),
        ):
            ours, theirs, floor = ([getattr(one, figure) for one in side] for side in sides)
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


async def once(
    stage: Stage, side: str, count: int, options: Options, *, name: str = "plain", tree: Path = ROOT
) -> Measured:
    """A backlog of `count` events of a scenario, drained by one side; `tree` is the source tree of ours."""
    scenario = SCENARIOS[name]
    names = await stage.lay(scenario.workflow)
    await scenario.lay(names, count)
    await asyncio.to_thread(scenario.preload, names, count)
    if options.profile:
        worker, _ = stage.profiled(names, "router", options.profile, {})
    elif side == "ours":
        worker = stage.service(names, "router", root=tree).child
    else:
        module = SAME_RULES[name] if side == "same rules" else PEERS[side]
        datadir = str(stage.folder / f"{names.prefix}-faust")
        worker = stage.program(names, module, "--datadir", datadir, "worker", "-l", "error", "--without-web")
    worker.spawn()
    try:
        cpu = await drained(names, worker, side, count, scenario.deliveries(count))
    finally:
        await asyncio.to_thread(worker.stop, 30)
    made = await asyncio.to_thread(tally.read, names.kafka, load.delivery_topics(names), tally.field("id"))
    expected = scenario.deliveries(count)
    lost, doubled, seconds = made.lost(expected), made.doubled, made.seconds
    if side != "bare":
        identify = tally.field("id") if side == "floor" else tally.header("ce_id")
        told = await asyncio.to_thread(tally.read, names.kafka, [names.topics.statuses], identify)
        lost, doubled = lost + told.lost(count), doubled + told.doubled
        seconds = max(made.last, told.last) - min(made.first, told.first)
    await stage.clear(names)
    say(f"{name} {side:>10}: {count:6} events in {seconds:6.2f} s = {count / seconds:7,.0f}/s, {cpu / count * 1e6:5.0f} µs of CPU"
        f" each, lost {lost}, doubled {doubled}")  # fmt: skip
    return Measured(events_per_second=count / seconds, cpu_us=cpu / count * 1e6, lost=lost, doubled=doubled)


async def drained(names: Names, worker: Child, side: str, count: int, deliveries: int) -> float:
    """Waits until all outputs are there, or no more come; returns the processor time since the first."""
    topics = [*load.delivery_topics(names), *([names.topics.statuses] if side != "bare" else [])]
    expected = deliveries + (count if side != "bare" else 0)
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
    main("router", __doc__.partition("\n")[0], bench, only=SCENARIOS)
