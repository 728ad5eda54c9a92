"""The work orders: what their users were promised, in the order of their document, from outside only.

Everybody in the office hears of every work order, those of other tests too, so what is looked at has an id of its own.
What goes wrong, the document's last sections, is in `test_002_workorders_errors.py`;
its two apps are in `tests/browser/test_workorders.py`.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

import pytest

from carillon.integrations.workorders import WorkOrderNotificationType
from tests.systems.chat_product import eventually
from tests.systems.work_order_product import UPDATE, Works, order

TYPES = {"issue_detected", "office_alert", "status_update", "equipment_alert", "inventory_alert", "work_order_update"}
FIELDS = {"id", "type", "message", "timestamp", "priority", "metadata", "recipient_ids", "read"}


# Notification types, database schema


async def test_six_types_each_with_the_documents_fields(works: Works) -> None:
    assert {each.value for each in WorkOrderNotificationType} == TYPES
    office, number = await works.office(), order()
    async with works.page(office) as page:
        await works.orders.handle_work_order_update(number, "done", issues="leak", alert_office=True)
        await works.orders.send_equipment_alert(number, "the pump is hot")
        await works.orders.send_inventory_alert(number, "no seals left")
        await works.orders.send_manual_notification(office, "call me", work_order_id=number)
        found = await page.shows(6)
        assert {each["type"] for each in found} == TYPES
        for each in found:
            assert set(each) == FIELDS
            UUID(each["id"])
            assert type(each["message"]) is str
            assert type(each["priority"]) is int
            assert datetime.fromisoformat(each["timestamp"]).tzinfo is not None
            assert each["read"] is False
            assert each["recipient_ids"] is None
        said = {each["type"]: (each["message"], each["priority"], each["metadata"]) for each in found}
        assert said["equipment_alert"] == (
            f"Equipment {number}: the pump is hot",
            2,
            {"equipment_id": number, "message": "the pump is hot"},
        )
        assert said["inventory_alert"] == (
            f"Inventory {number}: no seals left",
            2,
            {"item_id": number, "message": "no seals left"},
        )


async def test_a_work_orders_id_that_is_a_number_stays_one(works: Works) -> None:
    number = uuid4().int % 10**9
    tom = await works.technician(number)
    async with works.page(tom) as page:
        await works.orders.handle_work_order_update(number, "done")
        [status] = await page.shows(1)
        assert status["metadata"] == {"work_order_id": number, "status": "done", "notes": None}


@pytest.mark.parametrize(
    ("priority", "number"), [("low", 1), ("normal", 1), ("high", 2), ("urgent", 3), (1, 1), (2, 2), (3, 3)]
)
async def test_manual_notifications_to_a_technician(works: Works, priority: str | int, number: int) -> None:
    tom, other = await works.person("tom"), await works.person("eve")
    async with works.page(tom) as page, works.page(other) as others:
        made = await works.orders.send_manual_notification(tom, "Take the van", priority, work_order_id=7)
        [shown] = await page.shows(1)
        assert shown["id"] == made
        assert (shown["type"], shown["message"], shown["priority"]) == ("work_order_update", "Take the van", number)
        assert shown["metadata"] == {"message": "Take the van", "work_order_id": 7}
        await works.orders.send_manual_notification(other, "Yours")
        assert [each["message"] for each in await others.shows(1)] == ["Yours"]


# WebSocket manager


async def test_every_socket_of_a_user_hears_it_whoever_else_has_gone(works: Works) -> None:
    tom = await works.person("tom")
    async with works.page(tom) as phone, works.page(tom) as tablet:
        async with works.page(tom) as gone:
            await works.orders.send_manual_notification(tom, "one")
            for page in (phone, tablet, gone):
                await page.shows(1)
        await works.orders.send_manual_notification(tom, "two")
        for page in (phone, tablet):
            await page.shows(2)
            assert [each["message"] for each in page.notifications] == ["one", "two"]


async def test_a_broadcast_reaches_everybody(works: Works) -> None:
    people = [await works.office(), await works.technician(order()), await works.person("eve")]
    text = f"The depot closes at noon ({uuid4()})"
    async with works.page(people[0]) as first, works.page(people[1]) as second:
        fanout = await works.orders.broadcast(text, 2)
        for page in (first, second):
            await page.says(text)
    async with works.page(people[2]) as later:
        [shown] = [each for each in await later.shows(1) if each["message"] == text]
        assert (shown["type"], shown["priority"]) == ("work_order_update", 2)

    async def walked() -> bool:
        return (await works.carillon.fanout(fanout))["state"] == "done"

    await eventually(walked)  # else it would reach the users of the next test


# Notification service


async def test_what_is_new_comes_with_the_count_and_what_is_read_with_the_count_to_every_socket(works: Works) -> None:
    tom = await works.person("tom")
    async with works.page(tom) as phone, works.page(tom) as tablet, works.inbox(tom) as inbox:
        assert (phone.frames[0]["data"], await inbox.get_unread_count()) == ({"unread_count": 0}, 0)
        for count in (1, 2):
            await works.orders.send_manual_notification(tom, f"number {count}")
            for page in (phone, tablet):
                await page.shows(count)
                assert page.unread_count == count
        assert await inbox.get_unread_count() == 2
        first = phone.notifications[0]["id"]
        assert await inbox.mark_as_read(first) is True
        for page in (phone, tablet):
            await page.counts(1)
            told = page.frames[-1]
            assert told["type"] == UPDATE
            assert "notification" not in told["data"]
            assert told["data"]["changed"] == [{"id": first, "read": True, "removed": False}]
        assert await inbox.get_unread_count() == 1
        assert await inbox.mark_as_read(first) is True, "once more is the same"
        assert await inbox.get_unread_count() == 1


async def test_nobody_reads_what_is_anothers(works: Works) -> None:
    tom, eve = await works.person("tom"), await works.person("eve")
    made = await works.orders.send_manual_notification(tom, "yours")
    async with works.inbox(tom) as own, works.inbox(eve) as others:
        await eventually(own.get_unread_count)
        assert await others.mark_as_read(made) is False
        assert await others.mark_as_read("no-id") is False
        assert await own.get_unread_count() == 1


# Notification manager


async def test_an_update_is_up_to_three_notifications(works: Works) -> None:
    number = order()
    office, tom = await works.office(), await works.technician(number)
    async with works.page(office) as dashboard, works.page(tom) as phone:
        await works.orders.handle_work_order_update(
            number, "in progress", notes="two hours", issues="Leak in the basement", alert_office=True
        )
        await dashboard.until(lambda: len(dashboard.of(number)) == 3)
        await phone.until(lambda: len(phone.of(number)) == 2)
        status, issue, alert = dashboard.of(number)
        assert (status["type"], status["priority"]) == ("status_update", 1)
        assert status["message"] == f"Work order {number} status updated to: in progress"
        assert status["metadata"] == {"work_order_id": number, "status": "in progress", "notes": "two hours"}
        assert (issue["type"], issue["priority"]) == ("issue_detected", 2)
        assert issue["message"] == f"Issue reported for work order {number}: Leak in the basement"
        assert issue["metadata"] == {"work_order_id": number, "issue_description": "Leak in the basement"}
        assert (alert["type"], alert["priority"]) == ("office_alert", 3)
        assert alert["message"] == f"Office alert requested for work order {number}"
        assert alert["metadata"] == {
            "work_order_id": number,
            "status": "in progress",
            "notes": "two hours",
            "issues": "Leak in the basement",
        }
        told = [(each["type"], each["message"], each["metadata"]) for each in phone.of(number)]
        assert told == [(each["type"], each["message"], each["metadata"]) for each in (status, issue)]


async def test_what_became_of_a_work_order_is_found_by_its_id(works: Works) -> None:
    number = order()
    office = await works.office()
    await works.orders.handle_work_order_update(number, "done", alert_office=True)
    made = await works.orders.send_manual_notification(office, "well done", work_order_id=number)

    async def all_three() -> list[dict] | None:
        page = await works.carillon.deliveries(subject=f"work-order/{number}", user=office, state="sent")
        return page["deliveries"] if len(page["deliveries"]) == 3 else None

    found = await eventually(all_three)
    workflows = {each["workflow"] for each in found}
    assert workflows == {"workorders.office.status", "workorders.office.alert", "workorders.message"}
    assert made in {each["notification"] for each in found}


@pytest.mark.parametrize(
    ("more", "started"),
    [
        ({}, {"status"}),
        ({"issues": ""}, {"status"}),
        ({"issues": "leak"}, {"status", "issue"}),
        ({"alert_office": True}, {"status", "alert"}),
        ({"issues": "leak", "alert_office": True}, {"status", "issue", "alert"}),
    ],
)
async def test_an_update_without_issues_or_alert_is_fewer(works: Works, more: dict, started: set[str]) -> None:
    number = order()
    office = await works.office()
    event = await works.orders.handle_work_order_update(number, "done", **more)
    assert {each.rpartition(".")[2] for each in await works.started(event)} == started
    async with works.page(office) as page:
        await page.until(lambda: len(page.of(number)) == len(started))


async def test_active_alerts_are_listed_until_they_are_read(works: Works) -> None:
    office, number = await works.office(), order()
    await works.orders.handle_work_order_update(number, "stopped", issues="no power", alert_office=True)
    async with works.inbox(office) as inbox:

        async def mine() -> list:
            alerts = await inbox.get_active_alerts()
            found = [each for each in alerts if each.metadata.get("work_order_id") == number]
            return found if len(found) == 3 else []

        alerts = await eventually(mine)
        assert {each.type for each in alerts} == {"status_update", "issue_detected", "office_alert"}
        [alert] = await inbox.get_active_alerts(WorkOrderNotificationType.OFFICE_ALERT)
        assert (alert.message, alert.priority, alert.read) == (
            f"Office alert requested for work order {number}",
            3,
            False,
        )
        assert alert in alerts
        assert await inbox.mark_as_read(alert.id)
        assert await inbox.get_active_alerts(WorkOrderNotificationType.OFFICE_ALERT) == []
