"""While too much waits to be decided nothing more is accepted; what is unknown changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from services.ingest.acceptance import Acceptance, Intake
from services.ingest.backlog import RouterBacklog, read_by_routers
from shared.http.problems import Problem
from shared.model.errors import KafkaUnavailable, MongoUnavailable
from shared.model.topics import Topics
from tests.support.twins.outbox import MemoryOutbox
from tests.support.twins.sink import MemorySink
from tests.support.wait import turns
from tests.unit.ingest.scenes import LONG, caller, committing, outputs


class Lags:
    """What Kafka tells, by topic; None: nothing."""

    def __init__(self, *told: int | None) -> None:
        self.told = list(told)

    async def count(self) -> Mapping[str, int]:
        found = self.told.pop(0)
        if found is None:
            raise KafkaUnavailable("no broker")
        return {"events": found // 2, "notifications": found - found // 2}


def refusal(backlog: RouterBacklog) -> tuple | None:
    try:
        backlog.check()
    except Problem as problem:
        return problem.status, problem.code, problem.headers
    return None


FULL = (503, "too_many_waiting", {"Retry-After": "5"})


@pytest.mark.parametrize(
    ("told", "rooms"),
    [
        ([0, 99, 100, 1_000], [True, True, False, False]),
        ([100, 91, 90, 89, 95], [False, False, False, True, True]),
        ([None, 50, None], [True, True, True]),
        ([100, None, 0, None], [False, False, True, True]),
    ],
)
async def test_from_the_bound_on_there_is_no_room_until_there_is_some(told: list, rooms: list[bool]) -> None:
    backlog = RouterBacklog(Lags(*told).count, most=100)
    found = []
    for _ in rooms:
        await backlog.look()
        found.append(refusal(backlog))
    assert found == [None if room else FULL for room in rooms]


async def test_without_a_bound_nobody_looks() -> None:
    lags = Lags(10**9)
    backlog = RouterBacklog(lags.count, most=0)
    running = asyncio.create_task(backlog.run())
    await turns()
    assert not running.done(), "a part that ends would end the process"
    running.cancel()
    assert lags.told
    assert refusal(backlog) is None


async def test_what_makes_room_is_accepted_and_nothing_else() -> None:
    sink, outbox = MemorySink(), MemoryOutbox()
    backlog = RouterBacklog(Lags(100).count, most=100)
    await backlog.look()
    async with committing(sink, KafkaUnavailable) as first, committing(outbox, MongoUnavailable) as second:
        acceptance = Acceptance(log=first, outbox=second, outbox_seconds=LONG, backlog=backlog)
        for intake in (Intake.EVENT, Intake.NOTIFICATION):
            with pytest.raises(Problem, match="too much"):
                await acceptance.accept(caller(), intake, outputs(b"1"), 1)
        assert (sink.groups, outbox.rows) == ([], [])
        await acceptance.accept(caller(), Intake.WITHDRAWAL, outputs(b"1"), 1)
        assert sink.groups == [[b"1"]]


def test_all_that_is_accepted_is_counted() -> None:
    topics = Topics("t")
    assert set(read_by_routers(topics)) == {topics.events, topics.accepted_events, topics.notifications}
    assert set(read_by_routers(topics).values()) <= set(topics.groups_of("router"))
    assert set(read_by_routers(topics).values()) <= set(topics.groups_asked_by("ingest"))
