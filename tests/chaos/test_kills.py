"""kill -9 of each service, of Kafka and of MongoDB, once each in the middle of 2,000 events."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.evidence import verdict
from tests.chaos.keeper import Keeper, metrics
from tests.chaos.load import Load
from tests.support.brokers import Brokers, local_brokers
from tests.support.env import Harness, running
from tests.support.wait import until

EVENTS = 2_000
PER_SECOND = 80
VICTIMS = ("router", "kafka", "delivery", "ingest", "mongod", "scheduler", "gateway", "console")


@pytest.fixture
def own_brokers(tmp_path: Path) -> Iterator[Brokers]:
    """A Kafka and a mongod to be killed."""
    with local_brokers(tmp_path / "brokers") as brokers:
        yield brokers


@pytest.mark.timeout(600)
async def test_everything_accepted_ends_once_whoever_is_killed(own_brokers: Brokers, tmp_path: Path) -> None:
    async with running(own_brokers, tmp_path) as harness:
        await harness.start()
        load = Load(harness=harness)
        await load.people()
        faults = {"webhook": {"mode": "status", "status": 503, "times": 40}}
        await harness.call("PUT", "/faults", service="sink", json=faults)
        keeper = Keeper(harness)
        try:
            sending = asyncio.create_task(load.send(EVENTS, per_second=PER_SECOND))
            in_flight = await kill_each(harness, load, sending)
            await sending
            await settled(harness, load)
        finally:
            await keeper.close()
        await show(harness, load, in_flight)


async def kill_each(harness: Harness, load: Load, sending: asyncio.Task[None]) -> dict[str, int]:
    """Kills the victims one after the other while events flow; returns what was under way at each kill."""
    in_flight: dict[str, int] = {}
    for number, victim in enumerate(VICTIMS, 1):
        enough = number * EVENTS // (len(VICTIMS) + 1)

        async def far_enough(enough: int = enough) -> bool:
            return len(load.accepted) >= enough or sending.done()

        await until(far_enough, what=f"{enough} accepted before {victim} is killed", timeout=300)
        in_flight[victim] = len((await verdict(harness, dict(load.accepted))).unterminated)
        await kill(harness, victim, load)
    return in_flight


async def kill(harness: Harness, victim: str, load: Load) -> None:
    brokers = harness.names.brokers
    if victim == "kafka":
        assert brokers.kafka_node is not None
        brokers.kafka_node.kill()

        async def outbox_used() -> bool:
            return load.outbox > 0

        await until(outbox_used, what="a request accepted while Kafka is away")
        brokers.kafka_node.spawn()
        await brokers.kafka_node.ready()
    elif victim == "mongod":
        assert brokers.mongod_node is not None
        brokers.mongod_node.kill()
        brokers.mongod_node.spawn()
        await brokers.mongod_node.ready()
    else:
        harness.services[victim].kill()


async def settled(harness: Harness, load: Load) -> None:
    """Until nothing waits: no hold, nothing in the outbox, every accepted notification at its end."""

    async def done() -> bool:
        async with harness.database() as database:
            if await database.holds.count_documents({}) or await database.outbox.count_documents({}):
                return False
        found = await verdict(harness, load.accepted)
        return not found.unterminated and not found.lost

    await until(done, what="every accepted notification at its end", timeout=240)


async def show(harness: Harness, load: Load, in_flight: dict[str, int]) -> None:
    """The verdict, and that there was something to judge."""
    found = await verdict(harness, load.accepted)
    counted = await metrics(harness)
    windows = counted["carillon_crash_windows_total"]
    report = {
        "accepted": len(load.accepted),
        "outbox": load.outbox,
        "in flight at each kill": in_flight,
        "ends": dict(found.ends),
        "holds": found.holds,
        "retries": found.retries,
        "replays": counted["carillon_replays_total"],
        "duplicates dropped": counted["carillon_duplicates_total"],
        "crash windows": windows,
        "doubled": len(found.doubled),
    }
    print(report)  # noqa: T201  # what the run was made of, for whoever reads the log
    assert len(load.accepted) == EVENTS
    assert len(found.doubled) <= windows, "doubles come only from the named window"
    assert {kind: who for kind, who in found.faults().items() if kind != "doubled"} == {}
    assert found.holds > 0, report
    assert found.retries > 0, report
    assert counted["carillon_replays_total"] > 0, report
    assert all(in_flight.values()), report
    assert load.outbox > 0, report
