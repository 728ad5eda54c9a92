"""What every benchmark does alike: options, progress lines, the table, the result file."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import Callable, Collection, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench.figures import Result, Row, table, turns
from bench.machine import ROOT, commit, machine
from bench.stage import Stage, stage

RESULTS = ROOT / "bench" / "results"
STARTED = time.monotonic()


class Options(msgspec.Struct, kw_only=True):
    """How a benchmark was asked to run, and how often it did."""

    runs: int
    small: bool
    profile: Path | None
    only: str | None = None
    """One scenario of several."""
    done: int = 0


BUDGET_SECONDS = 300
"""On a slow or busy machine no further run begins that would probably end later; the result says how many there were."""


def rounds(sides: Sequence[str], options: Options, budget_seconds: float = BUDGET_SECONDS) -> Iterator[str]:
    """Whose turn it is: forth, back, forth ... as often as asked for, or as time allows."""
    for run in range(options.runs):
        used = time.monotonic() - STARTED
        if run and used + used / run > budget_seconds:
            say(f"{run} of {options.runs} runs took all the time there is")
            return
        yield from turns(sides, run)
        options.done = run + 1


Bench = Callable[[Stage, Options], Coroutine[Any, Any, list[Row]]]


def say(text: str) -> None:
    """A progress line."""
    print(f"[{time.monotonic() - STARTED:6.1f} s] {text}", file=sys.stderr, flush=True)


def main(name: str, purpose: str, bench: Bench, *, only: Collection[str] = ()) -> None:
    """Runs a benchmark, prints its table, writes `bench/results/<name>.json` (a small run: `<name>.small.json`).

    `only`: the scenarios of which one may be asked for; nothing is written then.
    """
    parser = argparse.ArgumentParser(prog=f"python -m bench.{name}", description=purpose)
    parser.add_argument("--runs", type=int, default=3, help="runs of each side; the table shows medians (3)")
    parser.add_argument("--small", action="store_true", help="a smoke run: little load, one run")
    parser.add_argument(
        "--profile", type=Path, metavar="FILE", help="run ours under cProfile once, write FILE, no table"
    )
    if only:
        parser.add_argument("--only", choices=sorted(only), help="one scenario alone; the result file stays")
    given = parser.parse_args()
    options = Options(
        runs=1 if given.small or given.profile else given.runs,
        small=given.small,
        profile=given.profile,
        only=given.only if only else None,
    )
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it logs what it repeats while topics are made
    where = machine()
    of = commit()
    say(f"{name}: {where['cpu']}, {where['cores']} cores, load {where['load_at_start']}, commit {of[:12]}{of[40:]}")
    say("starting Kafka and mongod ...")
    with stage() as brokers:
        rows = asyncio.run(bench(brokers, options))
    if options.profile:
        say(f"profile written; read it: python -m pstats {options.profile}")
        return
    print(table(rows))
    if options.only:
        return
    target = RESULTS / f"{name}{'.small' if options.small else ''}.json"
    target.parent.mkdir(exist_ok=True)
    result = Result(commit=of, machine=where, runs=options.done, rows=rows)
    target.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
    say(f"written to {target.relative_to(ROOT)}")
    if any(row.lost or row.doubled for row in rows):
        sys.exit("Something was lost or doubled: a rate with loss is no result. See the table.")
