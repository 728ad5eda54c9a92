"""Slots: of those that wait the most urgent goes first."""

from __future__ import annotations

import asyncio

from services.delivery.core.shares import Group
from services.delivery.slots import Slots
from tests.support.wait import turns


async def test_the_most_urgent_goes_first_then_the_oldest_and_tenants_take_turns() -> None:
    slots, order = Slots(1, waiting=99), list[str]()
    held = [await slots.take(Group("acme", None)) for _ in range(1)]

    async def send(tenant: str, rank: int, at: int) -> None:
        slot = await slots.take(Group(tenant, None), (-rank, at))
        order.append(f"{tenant}-{rank}-{at}")
        assert slot is not None
        slots.give_back(slot)

    wanted = [("acme", 1, 5), ("acme", 1, 3), ("acme", 0, 1), ("acme", 3, 9), ("acme", 3, 8)]
    tasks = [asyncio.create_task(send(*each)) for each in wanted]
    await turns(5)
    assert held[0] is not None
    slots.give_back(held[0])
    await asyncio.gather(*tasks)
    assert order == ["acme-3-8", "acme-3-9", "acme-1-3", "acme-1-5", "acme-0-1"]
