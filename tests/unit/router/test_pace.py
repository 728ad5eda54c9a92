"""The pace of fan-outs: as much as there is room for, and one page now and then whatever waits."""

from __future__ import annotations

import asyncio

import pytest

from services.router import pace
from services.router.pace import Pace
from shared.model.errors import KafkaUnavailable
from shared.model.fanouts import PAGE
from tests.support.wait import until


class Log:
    """How much waits, and how often that was asked."""

    def __init__(self, waiting: int = 0) -> None:
        self.waiting = waiting
        self.here = self.asked = 0

    async def count(self) -> int:
        self.asked += 1
        if self.waiting < 0:
            raise KafkaUnavailable("asked to fail")
        return self.waiting


async def test_one_look_gives_the_turns_that_there_is_room_for(monkeypatch) -> None:
    monkeypatch.setattr(pace, "LEAST_SECONDS", 3600)
    log = Log()
    turns = Pace(log.count, here=lambda: log.here, most=3 * PAGE)
    await turns.turn()
    assert log.asked == 0, "the first after a while is free"
    for _ in range(3):
        await turns.turn()
    assert log.asked == 1
    log.waiting = 3 * PAGE
    waiting = asyncio.create_task(turns.turn())

    async def looked_again() -> bool:
        return log.asked >= 3

    await until(looked_again, what="two more looks")
    assert not waiting.done()
    log.waiting = PAGE
    await waiting


@pytest.mark.parametrize("waiting", [10**9, -1], ids=["far behind", "Kafka does not answer"])
async def test_a_page_is_read_now_and_then_whatever_waits(monkeypatch, waiting) -> None:
    monkeypatch.setattr(pace, "LEAST_SECONDS", 0.01)
    log = Log(waiting)
    turns = Pace(log.count, here=lambda: log.here, most=PAGE)
    for _ in range(3):
        await turns.turn()
    assert log.asked <= 1, "no more often than it may"


async def test_what_waits_here_is_looked_at_before_the_log_is(monkeypatch) -> None:
    monkeypatch.setattr(pace, "LEAST_SECONDS", 3600)
    log = Log()
    turns = Pace(log.count, here=lambda: log.here, most=PAGE)
    await turns.turn()
    log.here = PAGE
    asked = log.asked
    waiting = asyncio.create_task(turns.turn())
    await asyncio.sleep(0)
    assert (waiting.done(), log.asked) == (False, asked)
    log.here = 0
    await waiting
