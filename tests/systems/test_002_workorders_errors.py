"""The work orders, where something goes wrong: the last sections of their users' document."""

from __future__ import annotations

import asyncio

import pytest

from carillon import ProblemError
from tests.systems.chat_product import API
from tests.systems.work_order_product import Works, order

# Error handling


async def test_who_was_gone_gets_what_was_missed_and_nothing_twice(works: Works) -> None:
    tom = await works.person("tom")
    async with works.page(tom) as page:
        await works.orders.send_manual_notification(tom, "before")
        await page.shows(1)
        cursor = page.cursor
    await works.orders.send_manual_notification(tom, "meanwhile")
    async with works.page(tom, cursor) as page:
        await page.shows(1)
        await works.orders.send_manual_notification(tom, "after")
        await page.shows(2)
        assert [each["message"] for each in page.notifications] == ["meanwhile", "after"]


@pytest.mark.parametrize(
    ("event_type", "data", "pointers"),
    [
        ("work_order.updated", {"status": "done"}, {"/0/data/work_order_id"}),
        ("work_order.updated", {"work_order_id": "1"}, {"/0/data/status"}),
        ("work_order.updated", {"work_order_id": "1", "status": ""}, {"/0/data/status"}),
        ("work_order.updated", {"work_order_id": None, "status": "x"}, {"/0/data/work_order_id"}),
        ("work_order.updated", {"work_order_id": "1", "status": "x", "issues": 7}, {"/0/data/issues"}),
        ("work_order.updated", {"work_order_id": "1", "status": "x", "alert_office": "yes"}, {"/0/data/alert_office"}),
        ("equipment.alert_raised", {"equipment_id": "1"}, {"/0/data/message"}),
        ("inventory.alert_raised", {"message": "x"}, {"/0/data/item_id"}),
    ],
)
async def test_missing_and_wrong_fields_are_refused(
    works: Works, event_type: str, data: dict, pointers: set[str]
) -> None:
    with pytest.raises(ProblemError) as refused:
        await works.carillon.send_events([{"source": "/tests", "type": event_type, "data": data}])
    assert (refused.value.status, refused.value.code) == (422, "invalid_data")
    assert {each["pointer"] for each in refused.value.document["errors"]} == pointers


async def test_what_is_refused_changes_nothing(works: Works) -> None:
    office, number = await works.office(), order()
    async with works.page(office) as page, works.inbox(office) as inbox:
        with pytest.raises(ProblemError, match="422"):
            await works.orders.handle_work_order_update(number, "")
        with pytest.raises(ProblemError, match="422"):
            await works.orders.send_manual_notification(office, "")
        with pytest.raises(ValueError, match="is no priority"):
            await works.orders.send_manual_notification(office, "x", "very")
        with pytest.raises(ProblemError, match="unknown_workflow"):
            await works.carillon.notify("workorders.mesage", [office], data={"message": "x"})
        with pytest.raises(ValueError, match="is not a valid"):
            await inbox.get_active_alerts("invented")  # type: ignore[arg-type]
        headers = {"authorization": f"Bearer {works.token(office)}"}
        url = f"{works.stack['urls']['gateway']}{API}?notification_type=invented"
        async with works.http.get(url, headers=headers) as answer:
            assert answer.status == 400
        await works.orders.send_manual_notification(office, "after all that")
        await page.says("after all that")
        assert page.of(number) == []


# Best practices


async def test_many_at_once_are_all_there_in_order_of_each_user(works: Works) -> None:
    number = order()
    tom = await works.technician(number)
    async with works.page(tom) as page:
        await asyncio.gather(
            *(works.orders.handle_work_order_update(number, f"step {step}") for step in range(50)),
        )
        found = await page.shows(50)
        assert {each["metadata"]["status"] for each in found} == {f"step {step}" for step in range(50)}
        assert page.unread_count == 50
