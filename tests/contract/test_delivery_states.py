"""Where deliveries stand: a row gives way to what ranks higher alone, and pages lose and repeat nothing."""

from __future__ import annotations

from typing import Any

import pytest

from services.console.core.paging import PagePlace
from services.console.deliveries.core.delivery_filter import DeliveryFilter
from services.console.deliveries.core.state_row import state_rows
from services.console.deliveries.store import DeliveryStates
from shared.model.timestamps import rfc3339
from tests.support import samples as a
from tests.support.twins.delivery_states import MemoryDeliveryStates
from tests.unit.console.test_delivery_states import BOUNCED, RETRYING, ROUTED_FIRST, SENT, status


@pytest.fixture
def states(implementation: str, request: pytest.FixtureRequest) -> Any:
    if implementation == "twin":
        return MemoryDeliveryStates()
    return DeliveryStates(request.getfixturevalue("database"))


async def found(states: Any, wanted: DeliveryFilter | None = None, tenant: str = "acme", **more: Any) -> list[str]:
    rows = await states.page(tenant, wanted or DeliveryFilter(), **{"after": None, "most": 50, **more})
    return [f"{row['_id']} {row['state']}" for row in rows]


async def test_the_higher_rank_stays(states: Any) -> None:
    await states.put(state_rows([SENT]))
    await states.put(state_rows([ROUTED_FIRST, RETRYING]))
    assert await found(states) == ["d sent"]
    await states.put(state_rows([BOUNCED]))
    assert await found(states) == ["d bounced"]


async def test_a_receipt_of_what_nobody_knows_begins_no_row(states: Any) -> None:
    await states.put(state_rows([BOUNCED]))
    assert await found(states) == []


async def test_nobody_elses(states: Any) -> None:
    await states.put(state_rows([ROUTED_FIRST]))
    await states.put(state_rows([{**SENT, "tenant": "other"}]))
    assert await found(states) == ["d queued"]
    assert await found(states, tenant="other") == []


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (DeliveryFilter(subject="order/7"), ["3", "2", "1", "0"]),
        (DeliveryFilter(subject="order/8"), []),
        (DeliveryFilter(state="sent"), ["3", "1"]),
        (DeliveryFilter(state="open"), ["2", "0"]),
        (DeliveryFilter(state="dead, sent"), ["3", "1"]),
        (DeliveryFilter(state="sent,open"), ["3", "2", "1", "0"]),
        (DeliveryFilter(workflow="order.*"), ["3", "2", "1", "0"]),
        (DeliveryFilter(workflow="orde.*"), []),
        (DeliveryFilter(workflow="order.shipped.*"), []),
        (DeliveryFilter(state="retrying", channel="email", user="ada", workflow="order.shipped"), ["2", "0"]),
        (DeliveryFilter(channel="sms"), []),
        (DeliveryFilter(since=rfc3339(a.NOON + 1), until=rfc3339(a.NOON + 3)), ["2", "1"]),
    ],
)
async def test_what_is_asked_for(states: Any, wanted: DeliveryFilter, ids: list[str]) -> None:
    for number in range(4):
        word = "sent" if number % 2 else "retrying"
        at = rfc3339(a.NOON + number)
        await states.put(state_rows([status(f"delivery.{word}", str(number), channel="email", accepted_at=at)]))
    assert [each.split()[0] for each in await found(states, wanted)] == ids


async def test_pages_are_all_of_it(states: Any) -> None:
    statuses = [
        status("delivery.sent", f"d{number}", channel="email", accepted_at=rfc3339(a.NOON + number // 3))
        for number in range(11)
    ]
    await states.put(state_rows(statuses))
    pages: list[str] = []
    after: PagePlace | None = None
    while rows := await states.page("acme", DeliveryFilter(), after=after, most=4):
        pages += [row["_id"] for row in rows]
        after = PagePlace(rows[-1]["accepted_at"], rows[-1]["_id"])
    assert sorted(pages) == sorted(each["subject"] for each in statuses)
    assert len(pages) == 11
