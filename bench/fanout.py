"""`make bench-fanout`: one event to 100,000 subscribers, beside a loop over a cursor and the floor.

Expanding alone is measured: the processor time of one process from the first record to the last, all of them on the log.
Then the whole product runs, and one-time codes are sent while it fans out.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from bench import tally
from bench.fanout_codes import codes
from bench.fanout_load import NEWS, lay_members, started
from bench.figures import Row, compare, percentile
from bench.machine import cpu_seconds
from bench.peers.fanout_start import GO, READY
from bench.run import Options, main, rounds, say
from bench.stage import Names, Stage
from sandbox.child import Child
from shared.kafka.producer import Publisher
from shared.model.fanouts import start_outputs
from shared.mongo.database import open_database
from shared.mongo.fanouts import Fanouts

PATIENCE_SECONDS = 60
SIDES = {"ours": "only_fanout", "naive": "naive_fanout", "floor": "floor_fanout"}
MEMBERS, SMALL_MEMBERS = 100_000, 5_000
FEW = 10
"""The memory is also measured with so many times fewer."""
IDLE_CODES, SMALL_IDLE_CODES = 300, 40
PEER_NAME = "cursor and one send per member, awaited by nobody"


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one side."""

    per_second: float
    cpu_us: float
    """Processor time of the process per recipient."""
    peak_mb: float
    lost: int
    doubled: int


async def bench(stage: Stage, options: Options) -> list[Row]:
    members = SMALL_MEMBERS if options.small else MEMBERS
    runs: dict[str, list[Measured]] = defaultdict(list)
    for side in rounds(tuple(SIDES), options):
        runs[side].append(await once(stage, side, members))
    runs["few"].append(await once(stage, "ours", members // FEW))
    alone, during, seconds = await codes(stage, members, SMALL_IDLE_CODES if options.small else IDLE_CODES)
    return [
        *compared(runs, members),
        *[
            compare(
                f"one-time code from POST to socket, {name}",
                "ms",
                [percentile(during, share)],
                [percentile(alone, share)],
                peer_name="the same without a fan-out",
                less_is_better=True,
            )
            for name, share in (("p50", 0.5), ("p99", 0.99))
        ],
        compare("the whole product, everybody decided and shown meanwhile", "recipients/s", [members / seconds]),
    ]


def compared(runs: dict[str, list[Measured]], members: int) -> list[Row]:
    """The rows about expanding alone."""
    ours, naive, floor = (runs[side] for side in SIDES)
    lost, doubled = (sum(getattr(one, name) for side in runs.values() for one in side) for name in ("lost", "doubled"))
    found = [
        compare(
            what, unit, *([getattr(one, name) for one in side] for side in (ours, naive, floor)),
            peer_name=PEER_NAME, less_is_better=less, lost=lost, doubled=doubled,
        )
        for what, unit, name, less in (
            ("expanding, processor time of the process", "µs/recipient", "cpu_us", True),
            ("expanding", "recipients/s", "per_second", False),
        )
    ]  # fmt: skip
    memory = compare(
        f"expanding, most memory, {members:,} members",
        "MB",
        [one.peak_mb for one in ours],
        [one.peak_mb for one in runs["few"]],
        peer_name=f"ours with {members // FEW:,} members",
        less_is_better=True,
    )
    return [*found, memory]


async def once(stage: Stage, side: str, members: int) -> Measured:
    """All members expanded by one side."""
    names = await stage.lay(NEWS)
    await lay_members(names, members)
    for mark in (READY, GO):
        (stage.folder / mark).unlink(missing_ok=True)
    worker = stage.program(names, f"bench.peers.{SIDES[side]}", BENCH_MEMBERS=str(members))
    worker.spawn()
    try:
        await worker.until(exists(stage.folder / READY), 60)
        begun = cpu_seconds(worker.pid or 0)
        if side == "ours":
            await start(names)
        (stage.folder / GO).touch()
        await written(names, worker, members)
        cpu, peak = cpu_seconds(worker.pid or 0) - begun, peak_mb(worker.pid or 0)
    finally:
        await asyncio.to_thread(worker.stop, 5)
    identify = (lambda message: message.key()) if side == "floor" else tally.field("subject")
    made = await asyncio.to_thread(tally.read, names.kafka, [names.topics.notifications], identify)
    await stage.clear(names)
    each = cpu / members * 1e6
    say(
        f"{side:>6}: {members:7,} in {made.seconds:5.2f} s, {each:5.1f} µs of CPU each, {peak:4.0f} MB, lost {made.lost(members)}"
    )
    return Measured(
        per_second=members / made.seconds,
        cpu_us=each,
        peak_mb=peak,
        lost=made.lost(members),
        doubled=made.doubled,
    )


async def start(names: Names) -> None:
    """The fan-out's row, and its first record."""
    publisher, fanout = Publisher(names.kafka, client_id="bench"), started()
    async with open_database(names.mongo, names.prefix) as database:
        await Fanouts(database).insert([fanout])
    await publisher.publish(start_outputs(names.topics, fanout))
    await publisher.stop()


async def written(names: Names, worker: Child, members: int) -> None:
    """Waits until as many records are on the log; raises RuntimeError when no more come."""
    seen, moved = 0, time.monotonic()
    async with tally.Ends(names.kafka) as ends:
        while seen < members:
            now = await ends.count([names.topics.notifications])
            if now > seen:
                seen, moved = now, time.monotonic()
            if not worker.alive or time.monotonic() - moved > PATIENCE_SECONDS:
                raise RuntimeError(f"{seen} of {members} were written.\n{worker.tail()}")
            await asyncio.sleep(0.05)


def exists(path: Path) -> Callable[[], Awaitable[bool]]:
    """Whether a file is there, as `Child.until` asks."""

    async def there() -> bool:
        return path.exists()  # noqa: ASYNC240  # a local file, once in a while

    return there


def peak_mb(pid: int) -> float:
    """The most memory that a process has held."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    main("fanout", __doc__.partition("\n")[0], bench)
