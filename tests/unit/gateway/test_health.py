"""The health route needs no token, so asking it often must cost Kafka and MongoDB nothing."""

from __future__ import annotations

import asyncio

from services.gateway.health_api import ANSWER_SECONDS, RecentAnswer
from tests.support.wait import turns


class Component:
    def __init__(self) -> None:
        self.asked = 0
        self.good = True
        self.gate = asyncio.Event()

    async def check(self) -> bool:
        self.asked += 1
        await self.gate.wait()
        return self.good


async def test_many_who_ask_at_once_ask_once_and_the_answer_stands_for_a_moment():
    now = 50.0
    component = Component()
    answer = RecentAnswer(component.check, clock=lambda: now)
    asking = [asyncio.create_task(answer()) for _ in range(20)]
    await turns()
    component.gate.set()
    assert await asyncio.gather(*asking) == [True] * 20
    component.good = False
    now += ANSWER_SECONDS / 2
    assert await answer()
    assert component.asked == 1
    now += ANSWER_SECONDS
    assert not await answer()
    assert component.asked == 2


async def test_who_leaves_while_asking_stops_nobody():
    component = Component()
    answer = RecentAnswer(component.check)
    first, second = asyncio.create_task(answer()), asyncio.create_task(answer())
    await turns()
    first.cancel()
    component.gate.set()
    assert await second
