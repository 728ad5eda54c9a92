"""`make bench-router-before`: the router of this tree beside the one of an earlier commit, by turns on the same brokers.

What uses none of the new rules must cost what it did: a catalog as it was, and the processor time for each event.
"""

from __future__ import annotations

import os
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import Row, compare
from bench.machine import ROOT
from bench.router import EVENTS, SMALL, Measured, once
from bench.run import Options, main, rounds
from bench.stage import Stage

BEFORE = os.environ.get("BEFORE", "v0.2.0")
"""A commit, tag or branch."""
SIDES = ("now", "before")


async def bench(stage: Stage, options: Options) -> list[Row]:
    count = (SMALL if options.small else EVENTS)["ours"]
    runs: dict[str, list[Measured]] = defaultdict(list)
    with tree_of(BEFORE) as (tree, commit):
        for side in rounds(SIDES, options):
            root = ROOT if side == "now" else tree
            runs[side].append(await once(stage, "ours", count, options, tree=root))
    lost, doubled = (sum(getattr(one, name) for side in SIDES for one in runs[side]) for name in ("lost", "doubled"))
    return [
        compare(
            what,
            unit,
            [getattr(one, name) for one in runs["now"]],
            [getattr(one, name) for one in runs["before"]],
            peer_name=f"{BEFORE} ({commit[:12]})",
            less_is_better=less,
            lost=lost,
            doubled=doubled,
        )
        for what, unit, name, less in (
            ("router, none of the new rules, processor time", "µs/event", "cpu_us", True),
            ("router, none of the new rules", "events/s", "events_per_second", False),
        )
    ]


@contextmanager
def tree_of(revision: str) -> Iterator[tuple[Path, str]]:
    """The files of a revision in a folder that is gone afterwards, and its commit. Raises CalledProcessError."""

    def git(*words: str) -> bytes:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=True).stdout

    commit = git("rev-parse", f"{revision}^{{commit}}").decode().strip()
    with TemporaryDirectory(prefix="carillon-before-") as folder:
        subprocess.run(["tar", "-x", "-C", folder], input=git("archive", commit), check=True)
        yield Path(folder), commit


if __name__ == "__main__":
    main("router-before", __doc__.partition("\n")[0], bench)
