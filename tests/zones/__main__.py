"""`make test-zones`: quiet hours and local times around every change of every zone, against a scan by the minute."""

from __future__ import annotations

import os
import sys
import time
from multiprocessing import Pool

from tests.zones.scan import LAST, Differences, changes, counted, places, scan


def whole(name: str) -> tuple[int, list[Differences]]:
    """All changes of one zone."""
    found = changes(name)
    return len(found), [scan(name, change, number) for number, change in enumerate(found)]


def main() -> None:
    begun, names, total, results = time.monotonic(), places(), 0, []
    with Pool(len(os.sched_getaffinity(0))) as pool:
        for done, (number, compared) in enumerate(pool.imap_unordered(whole, names), 1):
            total += number
            results += compared
            if done % 50 == 0:
                sys.stderr.write(f"{time.monotonic() - begun:5.0f} s: {done} of {len(names)} zones\n")
    sums = counted(results)
    for line in [line for one in results for line in one.found][:50]:
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(
        f"{len(names)} zones, {total} changes until {LAST:%Y}, {sums['minutes']} minutes of quiet hours and "
        f"{sums['local_times']} local times compared: {sums['differences']} differences, {time.monotonic() - begun:.0f} s\n"
    )
    sys.exit(1 if sums["differences"] or not total else 0)


if __name__ == "__main__":
    main()
