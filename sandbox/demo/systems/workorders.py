"""Work orders: an update that is three alerts, a message to the technician, and what is read."""

from __future__ import annotations

from carillon.integrations.workorders import WorkOrderInbox, WorkOrderNotification, WorkOrderNotifications
from sandbox.demo.systems.scene import Scene
from shared.model.timestamps import parse_rfc3339


async def play(scene: Scene) -> None:
    """Raises NotSeen, and what the client does."""
    orders = WorkOrderNotifications(scene.carillon)
    office, technician, number = f"olga-{scene.run}", f"tom-{scene.run}", f"12-{scene.run}"
    gateway = scene.stack.urls["gateway"]
    async with (
        WorkOrderInbox(gateway, scene.token(office)) as desk,
        WorkOrderInbox(gateway, scene.token(technician)) as app,
    ):
        with scene.steps.step("one in the office, and a technician on a work order"):
            for user in (office, technician):
                await scene.carillon.put_user(user, {"name": user.partition("-")[0].title(), "locale": "en"})
            await orders.join_office(office)
            await orders.assign(number, technician)
        with scene.steps.step("an update with an issue that alerts the office") as step:
            await orders.handle_work_order_update(number, "in progress", "two hours", "Leak in the basement", True)
            alerts = await _alerts(scene, desk, number, 3)
            _note(scene, office, alerts)
            _note(scene, technician, await _alerts(scene, app, number, 2))
            step.detail = f"{len(alerts)} alerts in the office"
        with scene.steps.step("a message to the technician"):
            made = await orders.send_manual_notification(technician, "Call me, please", "high", work_order_id=number)
            _note(scene, technician, [each for each in await _alerts(scene, app, number, 3) if each.id == made])
        with scene.steps.step("one alert is read") as step:
            before = await desk.get_unread_count()
            await desk.mark_as_read(alerts[0].id)
            step.detail = f"{before} unread, then {await desk.get_unread_count()}"


async def _alerts(scene: Scene, inbox: WorkOrderInbox, number: str, count: int) -> list[WorkOrderNotification]:
    async def look() -> list[WorkOrderNotification] | None:
        found = [each for each in await inbox.get_active_alerts() if each.metadata.get("work_order_id") == number]
        return found if len(found) >= count else None

    return await scene.until(look, f"{count} notifications of work order {number}")


def _note(scene: Scene, user: str, found: list[WorkOrderNotification]) -> None:
    for each in found:
        about = f"{each.message} ({each.type}, priority {each.priority})"
        scene.note("in_app", user, about, parse_rfc3339(each.timestamp))
