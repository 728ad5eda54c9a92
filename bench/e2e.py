"""`make bench-e2e`: from POST to a user's socket at fixed rates, beside a naive chain and the floor.

All six services as they run, 1,000 sockets; an open loop, so a late answer delays nothing but itself. The latency runs
from the moment a request was due to the moment its frame was read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench import socket_clients
from bench.chains import CASES, CHAINS, FLOOR, NAIVE, OURS, TYPE, WORKFLOW, Case, Chain, running
from bench.figures import Row, compare
from bench.ladder import highest
from bench.run import Options, main, rounds, say
from bench.stage import PLAIN_KEY, TENANT, TOKEN_SECRET, Names, Stage
from bench.talker import talker
from bench.turn import SOCKETS, Measured, Turn
from shared.http import tokens
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.steps import ChannelStep
from shared.model.templates import InAppTemplate
from shared.model.workflows import Workflow
from shared.mongo.api_keys import Scope, create
from shared.mongo.database import open_database
from shared.process.clock import now_ms

BUDGET_SECONDS = 500
CASE_SECONDS = 4.0
SMALL_SECONDS = 1.5
"""Of a warm-up, and of everything in a smoke run."""
PEER_NAME = "naive chain: FastAPI, plain Faust agent, insert_one, python-socketio"
LADDER = (50, 100, 200, 400, 700, 1_200, 2_000, 3_300)
SMALL_LADDER = (100, 400)
HELD_MS = 100
"""A rate is held when p99 is below this and nothing is missing."""
WARM_UP_LIMIT_SECONDS = 60
BELL = Workflow(
    key=WORKFLOW,
    category="bench",
    steps=(ChannelStep(key="notify", channels=(Channel.IN_APP,)),),
    on=(TYPE,),
    recipients="data.recipient_ids",
    templates=Templates(in_app=InAppTemplate(title="Number {{ data.n }}", body="It rang.")),
    version=1,
)


class Runs:
    """What all runs of all chains found."""

    def __init__(self) -> None:
        self.cases: dict[tuple[str, Case], list[Measured]] = defaultdict(list)
        self.held: dict[str, list[int]] = defaultdict(list)
        self.unseen: list[Measured] = []
        """Warm-ups and rungs, whose times no row shows; what they lost counts."""


async def bench(stage: Stage, options: Options) -> list[Row]:
    runs = Runs()
    if not options.small:
        async with turn_of(FLOOR, stage) as first:  # a JVM that has compiled nothing is not for whoever comes first
            runs.unseen.append(await first.once(FLOOR.cases[-1], CASE_SECONDS, WARM_UP_LIMIT_SECONDS))
    for name in rounds(tuple(CHAINS), options, BUDGET_SECONDS):
        async with turn_of(CHAINS[name], stage) as turn:
            await measure(turn, CHAINS[name], options, runs)
    return rows(runs)


@asynccontextmanager
async def turn_of(chain: Chain, stage: Stage, sockets: int = SOCKETS) -> AsyncIterator[Turn]:
    """A chain that runs on fresh names, with its sockets connected; nothing is left of it afterwards."""
    names = await stage.lay(BELL)
    key = await lay_users(names, sockets)
    async with running(stage, names, chain) as run, talker("bench.socket_clients") as clients:
        say(f"{chain.name:>5}: ready; connecting the sockets ...")
        await clients.line(socket_clients.Plan(port=run.sockets, tokens=minted(sockets), dialect=chain.dialect))
        yield Turn(chain, run, clients, PLAIN_KEY if chain is NAIVE else key, sockets)
    await stage.clear(names)


async def measure(turn: Turn, chain: Chain, options: Options, runs: Runs) -> None:
    """All that is measured of a chain in one run."""
    if not options.done:
        await turn.idle()
    for _ in range(1 if options.small else 2):  # they open connections and fill caches
        runs.unseen.append(await turn.once(chain.warm_up, SMALL_SECONDS, WARM_UP_LIMIT_SECONDS))

    async def holds(rate: int) -> bool:
        found = await turn.rung(rate)
        runs.unseen.append(found)
        return found.p99 < HELD_MS and not found.missed and not found.lost

    if chain.climbs:
        runs.held[chain.name].append(await highest(SMALL_LADDER if options.small else LADDER, holds))
    for case in chain.cases:
        found = await turn.once(case, SMALL_SECONDS if options.small else CASE_SECONDS, chain.limit_seconds)
        runs.cases[chain.name, case].append(found)


def rows(runs: Runs) -> list[Row]:
    """The table of all runs."""
    found = []
    for case in CASES:
        ours, naive, floor = (
            runs.cases[OURS.name, case],
            runs.cases[NAIVE.name, case.direct],
            runs.cases[FLOOR.name, case.direct],
        )
        everything = [*ours, *naive, *floor]
        lost, doubled = sum(one.lost for one in everything), sum(one.doubled for one in everything)
        figures = [("p50", "ms", "p50"), ("p99", "ms", "p99"), ("processor time, all", "µs/event", "cpu_us")]
        if any(one.missed for one in everything):
            figures.append(("refused or late, the rate was not held", "events", "missed"))
        for name, unit, field in figures:
            # Of a chain that did not hold the rate, the processor time belongs to more events than were delivered.
            sides = (
                [getattr(one, field) for one in side if field != "cpu_us" or not one.missed] for side in (naive, floor)
            )
            found.append(
                compare(
                    f"{case.what}: {name}", unit, [getattr(one, field) for one in ours], *sides,
                    peer_name=PEER_NAME, less_is_better=True, lost=lost, doubled=doubled,
                )
            )  # fmt: skip
    return [*found, held(runs)]


def held(runs: Runs) -> Row:
    """The row of the ladder; what was lost on any of its rungs, or in a warm-up, counts."""
    return compare(
        f"highest rate of single notifications held with p99 < {HELD_MS} ms",
        "events/s",
        runs.held[OURS.name],
        runs.held[NAIVE.name],
        peer_name=PEER_NAME,
        lost=sum(one.lost for one in runs.unseen),
        doubled=sum(one.doubled for one in runs.unseen),
    )


def minted(sockets: int) -> list[str]:
    """A token for each socket's user."""
    now = now_ms() // 1000
    return [
        tokens.mint(TOKEN_SECRET, tenant=TENANT, user=f"user-{number}", now=now, ttl_seconds=7200)
        for number in range(sockets)
    ]


async def lay_users(names: Names, sockets: int) -> str:
    """Profiles for the sockets' users, and an API key."""
    async with open_database(names.mongo, names.prefix, timeout_ms=60_000) as database:
        await database.profiles.insert_many(
            {"_id": f"{TENANT}:user-{number}", "tenant": TENANT, "user": f"user-{number}", "version": 1, "locale": "en"}
            for number in range(sockets)
        )
        return await create(database, tenant=TENANT, scopes=frozenset({Scope.SEND}), name="bench")


if __name__ == "__main__":
    main("e2e", __doc__.partition("\n")[0], bench)
