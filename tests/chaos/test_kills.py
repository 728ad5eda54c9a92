"""kill -9 of each service, of Kafka and of MongoDB in the middle of the load, while providers fail, too."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.checker import check
from tests.chaos.keeper import Keeper, metrics
from tests.chaos.redrive import DeadEvents, publish_workflow
from tests.chaos.rules import OUTWARD
from tests.chaos.run import SLOTS, TELLS_DOUBLES, Run, begun
from tests.support.brokers import Brokers, local_brokers
from tests.support.env import running
from tests.support.wait import until

VICTIMS = ("router", "kafka", "delivery", "ingest", "mongod", "scheduler", "gateway", "console")
LONG = bool(os.environ.get("CARILLON_CHAOS_LONG"))
EVENTS, PER_SECOND, ROUNDS = (20_000, 60, 8) if LONG else (1_600, 80, 1)
"""In each round everybody is killed once."""
SETTLES = 1_000 if LONG else 240
"""Seconds: what was over its share again and again comes back after 15 minutes at the latest."""
DEAD_EVENTS = 10
CHANNELS = {"in_app", "email", "webhook", "sms", "push", "whatsapp", "telegram", "chat", "pull"}
FAULTS: dict[str, Any] = {
    "webhook": {"mode": "status", "status": 503, "times": 40},
    "providers": {
        "vonage": {"mode": "status", "status": 500, "times": 20},
        "telegram": {"mode": "status", "status": 429, "times": 2, "retry_after": "1"},
        "slack": {"mode": "status", "status": 503, "times": 5},
        "meta": {"mode": "down", "times": 2},  # each probe meets one, and waits twice as long for the next
    },
}
"""At the beginning of each round."""


@pytest.fixture
def own_brokers(tmp_path: Path) -> Iterator[Brokers]:
    """A Kafka and a mongod to be killed."""
    with local_brokers(tmp_path / "brokers") as brokers:
        yield brokers


@pytest.mark.timeout(2700 if LONG else 600)
async def test_everything_accepted_ends_once_whoever_is_killed(own_brokers: Brokers, tmp_path: Path) -> None:
    async with running(own_brokers, tmp_path) as harness:
        await publish_workflow(harness, "data.nobody")
        harness.more = TELLS_DOUBLES
        await harness.start()
        async with begun(harness) as run:
            dead = DeadEvents(run)
            await dead.send(DEAD_EVENTS)
            keeper = Keeper(harness)
            try:
                sending = asyncio.create_task(run.load.send(EVENTS, per_second=PER_SECOND))
                redriving = asyncio.create_task(dead.redrive())
                killed = await kill_each(run, sending)
                await sending
                redriven = await redriving
                await run.settled(seconds=SETTLES)
                await run.erased()
            finally:
                await keeper.close()
            await show(run, killed, redriven)


async def kill_each(run: Run, sending: asyncio.Task[None]) -> list[tuple[str, int]]:
    """Kills the victims one after the other while events flow; returns whom, and what was under way then."""
    killed: list[tuple[str, int]] = []
    plan = VICTIMS * ROUNDS
    for number, victim in enumerate(plan, 1):
        enough = number * EVENTS // (len(plan) + 1)
        if victim == VICTIMS[0]:
            await run.harness.call("PUT", "/faults", service="sink", json=FAULTS)

        async def far_enough(enough: int = enough) -> bool:
            return run.load.done >= enough or sending.done()

        await until(far_enough, what=f"{enough} accepted before {victim} is killed", timeout=300)
        killed.append((victim, len((await run.verdict()).unterminated)))
        await kill(run, victim)
    return killed


async def kill(run: Run, victim: str) -> None:
    brokers, by_outbox = run.harness.names.brokers, run.load.counts["outbox"]
    if victim == "kafka":
        assert brokers.kafka_node is not None
        brokers.kafka_node.kill()

        async def outbox_used() -> bool:
            return run.load.counts["outbox"] > by_outbox

        await until(outbox_used, what="a request accepted while Kafka is away")
        brokers.kafka_node.spawn()
        await brokers.kafka_node.ready()
    elif victim == "mongod":
        assert brokers.mongod_node is not None
        brokers.mongod_node.kill()
        brokers.mongod_node.spawn()
        await brokers.mongod_node.ready()
    else:
        run.harness.services[victim].kill()


async def show(run: Run, killed: list[tuple[str, int]], redriven: int) -> None:
    """The verdict, and that there was something to judge."""
    evidence = await run.evidence()
    found = check(run.load.accepted, evidence)
    counted = await metrics(run.harness)
    arrived = Counter(str(effect.channel) for effect in evidence.effects)
    report = {
        "accepted": len(run.load.accepted),
        **run.load.counts,
        "redriven": redriven,
        "in flight at each kill": killed,
        "arrived": dict(arrived),
        "ends": dict(found.ends),
        "holds": found.holds,
        "retries": found.retries,
        "frames": len(run.clients.frames),
        "greetings": run.clients.greetings,
        "replays": counted["carillon_replays_total"],
        "duplicates dropped": counted["carillon_duplicates_total"],
        "crash windows": counted["carillon_crash_windows_total"],
        "unconfirmed": counted["carillon_unconfirmed_sends_total"],
    }
    print(report)  # noqa: T201  # what the run was made of, for whoever reads the log
    print(found.line(EVENTS, len(killed)))  # noqa: T201  # and its last line
    assert run.load.done == EVENTS
    assert len(found.doubled) <= SLOTS * len(killed), "slots times kills"
    in_the_window = await run.taken_over()
    assert set(found.doubled) <= in_the_window, "doubles come only from the named window"
    # Sent by a worker that died before it could say so; then their user was deleted, or did not want them any more.
    assert set(found.phantom) <= in_the_window, await run.ends_of(found.phantom)
    assert {kind: who for kind, who in found.faults().items() if kind not in ("doubled", "phantom")} == {}
    assert found.holds > 0, report
    assert found.retries > 0, report
    assert counted["carillon_replays_total"] > 0, report
    assert all(under_way for _, under_way in killed), report
    assert arrived.keys() >= CHANNELS, report
    assert min(run.load.counts[kind] for kind in ("outbox", "cancelled", "opted out", "deleted")) > 0, report
    assert run.load.counts[OUTWARD] > 0, report
    assert min(found.ends[end] for end in ("cancelled", "digested", "throttled", "fell_back")) > 0, report
    assert run.clients.frames, report
    assert run.clients.greetings > len(run.clients.live), "clients came back"
