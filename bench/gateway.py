"""`make bench-gateway`: what a message costs at the sockets, beside python-socketio, Centrifuge and a send() loop in C.

The server has one core, the load the other. Peers publish in-process; ours does it twice: fed from memory, and reading
Kafka as it does in earnest. Every message is counted at its socket.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final

from bench.figures import Row, compare
from bench.gateway_items import Kind
from bench.gateway_lines import LOAD_CORE, check_built, pin
from bench.gateway_measures import FULL, SMALL, SOCKETS, STOPPED, Costs, Paced, costs, held, idle_kib, paced
from bench.gateway_sides import CENTRIFUGE_NAME, OURS, OURS_KAFKA, SEND_LOOP, SIDES, SOCKETIO
from bench.run import Options, main, rounds, say
from bench.stage import Stage

BUDGET_SECONDS: Final = 700
PEERS: Final = (SOCKETIO, CENTRIFUGE_NAME, SEND_LOOP)
MAX_PER_SECOND: Final = 20_000
COST: Final = "µs of CPU per message"


class Runs:
    """What all turns found."""

    def __init__(self) -> None:
        self.costs: dict[str, list[Costs]] = defaultdict(list)
        self.idle: dict[str, list[float]] = defaultdict(list)
        self.paced: dict[str, list[Paced]] = defaultdict(list)
        self.rate = 0


async def bench(stage: Stage, options: Options) -> list[Row]:
    size, runs = SMALL if options.small else FULL, Runs()
    for pid in (os.getpid(), stage.kafka.child.pid, stage.mongod.child.pid):
        pin(pid or 0, LOAD_CORE)
    if options.profile:
        await costs(SIDES[OURS], stage, size, str(options.profile.resolve()))
        return []
    centrifuge = await held(SIDES[CENTRIFUGE_NAME], stage, size)
    runs.rate = min(MAX_PER_SECOND, centrifuge // 2) // SOCKETS * SOCKETS or SOCKETS
    say(f"centrifuge holds {centrifuge:,}/s; latency is measured at {runs.rate:,}/s")
    for name in rounds(tuple(SIDES), options, BUDGET_SECONDS):
        side = SIDES[name]
        runs.costs[name].append(await costs(side, stage, size))
        if side.idles and not (name == OURS_KAFKA and options.done):  # MongoDB is asked for each socket's inbox
            runs.idle[name].append(await idle_kib(side, stage, size))
        if name in {OURS, CENTRIFUGE_NAME}:
            runs.paced[name].append(await paced(side, stage, size, runs.rate))
    return rows(runs)


def rows(runs: Runs) -> list[Row]:
    """The table: ours fed from memory beside each peer, then ours reading Kafka beside each peer."""
    found = []
    for kind in Kind:
        for ours, what in ((OURS, str(kind)), (OURS_KAFKA, f"{kind}, Kafka read as well")):
            found += [cost_row(what, kind, runs.costs[ours], runs.costs[peer], peer) for peer in PEERS]
    for ours, what in ((OURS, "idle socket"), (OURS_KAFKA, "idle socket, the whole service")):
        found += [
            compare(what, "KiB RSS", runs.idle[ours], runs.idle[peer], peer_name=peer, less_is_better=True)
            for peer in PEERS
            if runs.idle[peer]
        ]
    return [*found, *latency_rows(runs)]


def cost_row(what: str, kind: Kind, ours: Sequence[Costs], peer: Sequence[Costs], peer_name: str) -> Row:
    return compare(
        what, COST, [one.us[kind] for one in ours], [one.us[kind] for one in peer], peer_name=peer_name,
        less_is_better=True, lost=sum(one.lost for one in (*ours, *peer)), doubled=sum(one.doubled for one in (*ours, *peer)),
    )  # fmt: skip


def latency_rows(runs: Runs) -> list[Row]:
    """Beside Centrifuge at the same rate; and what those who stopped reading do to the others."""
    ours, peer = runs.paced[OURS], runs.paced[CENTRIFUGE_NAME]
    lost, doubled = (sum(getattr(one, field) for one in (*ours, *peer)) for field in ("lost", "doubled"))
    at = f"{runs.rate:,} msg/s to {SOCKETS:,} sockets"
    stopped = f"{at}, {STOPPED} of them not reading"
    figures: list[tuple[str, Callable[[Paced], float]]] = [
        (f"{at}: p50", lambda one: one.all_read.p50 / 1000),
        (f"{at}: p99", lambda one: one.all_read.p99 / 1000),
        (f"{at}: p99.9", lambda one: one.all_read.p999 / 1000),
        (f"{stopped}: p99", lambda one: one.some_stopped.p99 / 1000),
    ]
    found = [
        compare(
            what, "ms", list(map(figure, ours)), list(map(figure, peer)), peer_name=CENTRIFUGE_NAME,
            less_is_better=True, lost=lost, doubled=doubled,
        )
        for what, figure in figures
    ]  # fmt: skip
    for name, side in ((OURS, ours), (CENTRIFUGE_NAME, peer)):
        before, after = (list(map(figures[at][1], side)) for at in (1, 3))
        found.append(
            compare(f"{stopped}: p99 of {name}", "ms", after, before, peer_name=f"{name}, all reading", less_is_better=True)
        )  # fmt: skip
    return found


if __name__ == "__main__":
    check_built()
    main("gateway", __doc__.partition("\n")[0], bench)
