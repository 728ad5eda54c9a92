"""kill -9 of each service, of Kafka and of MongoDB, once each in the middle of the load."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.keeper import Keeper, metrics
from tests.chaos.redrive import DeadEvents, publish_workflow
from tests.chaos.rules import OUTWARD
from tests.chaos.run import TELLS_DOUBLES, Run, begun
from tests.support.brokers import Brokers, local_brokers
from tests.support.env import running
from tests.support.wait import until

EVENTS = 1_600
PER_SECOND = 80
DEAD_EVENTS = 10
VICTIMS = ("router", "kafka", "delivery", "ingest", "mongod", "scheduler", "gateway", "console")


@pytest.fixture
def own_brokers(tmp_path: Path) -> Iterator[Brokers]:
    """A Kafka and a mongod to be killed."""
    with local_brokers(tmp_path / "brokers") as brokers:
        yield brokers


@pytest.mark.timeout(600)
async def test_everything_accepted_ends_once_whoever_is_killed(own_brokers: Brokers, tmp_path: Path) -> None:
    async with running(own_brokers, tmp_path) as harness:
        await publish_workflow(harness, "data.nobody")
        harness.more = TELLS_DOUBLES
        await harness.start()
        faults = {
            "webhook": {"mode": "status", "status": 503, "times": 40},
            "providers": {
                "vonage": {"mode": "status", "status": 500, "times": 20},
                "meta": {"mode": "down", "times": 2},  # each probe meets one, and waits twice as long for the next
            },
        }
        await harness.call("PUT", "/faults", service="sink", json=faults)
        async with begun(harness) as run:
            dead = DeadEvents(run)
            await dead.send(DEAD_EVENTS)
            keeper = Keeper(harness)
            try:
                sending = asyncio.create_task(run.load.send(EVENTS, per_second=PER_SECOND))
                redriving = asyncio.create_task(dead.redrive())
                in_flight = await kill_each(run, sending)
                await sending
                redriven = await redriving
                await run.settled()
                await run.erased()
            finally:
                await keeper.close()
            await show(run, in_flight, redriven)


async def kill_each(run: Run, sending: asyncio.Task[None]) -> dict[str, int]:
    """Kills the victims one after the other while events flow; returns what was under way at each kill."""
    in_flight: dict[str, int] = {}
    for number, victim in enumerate(VICTIMS, 1):
        enough = number * EVENTS // (len(VICTIMS) + 1)

        async def far_enough(enough: int = enough) -> bool:
            return run.load.done >= enough or sending.done()

        await until(far_enough, what=f"{enough} accepted before {victim} is killed", timeout=300)
        in_flight[victim] = len((await run.verdict()).unterminated)
        await kill(run, victim)
    return in_flight


async def kill(run: Run, victim: str) -> None:
    brokers = run.harness.names.brokers
    if victim == "kafka":
        assert brokers.kafka_node is not None
        brokers.kafka_node.kill()

        async def outbox_used() -> bool:
            return run.load.counts["outbox"] > 0

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


async def show(run: Run, in_flight: dict[str, int], redriven: int) -> None:
    """The verdict, and that there was something to judge."""
    found = await run.verdict()
    counted = await metrics(run.harness)
    windows = counted["carillon_crash_windows_total"]
    report = {
        "accepted": len(run.load.accepted),
        **run.load.counts,
        "redriven": redriven,
        "in flight at each kill": in_flight,
        "ends": dict(found.ends),
        "holds": found.holds,
        "retries": found.retries,
        "frames": len(run.clients.frames),
        "greetings": run.clients.greetings,
        "replays": counted["carillon_replays_total"],
        "duplicates dropped": counted["carillon_duplicates_total"],
        "crash windows": windows,
        "doubled": len(found.doubled),
    }
    print(report)  # noqa: T201  # what the run was made of, for whoever reads the log
    assert run.load.done == EVENTS
    assert len(found.doubled) <= windows, "doubles come only from the named window"
    assert {kind: who for kind, who in found.faults().items() if kind != "doubled"} == {}
    assert found.holds > 0, report
    assert found.retries > 0, report
    assert counted["carillon_replays_total"] > 0, report
    assert all(in_flight.values()), report
    assert min(run.load.counts[kind] for kind in ("outbox", "cancelled", "opted out", "deleted")) > 0, report
    assert run.load.counts[OUTWARD] > 0, report
    assert min(found.ends[end] for end in ("cancelled", "digested", "throttled", "fell_back")) > 0, report
    assert run.clients.frames, report
    assert run.clients.greetings > len(run.clients.live), "clients came back"
