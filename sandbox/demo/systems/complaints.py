"""The multi-channel queue: a text and templates by each channel, one that is tried again, and one that is refused."""

from __future__ import annotations

from typing import Any, Final

from carillon.errors import ProblemError
from carillon.integrations.queue import NotificationQueue, NotificationRequest, QueuedNotification, QueueStatus
from sandbox.demo.systems.scene import Scene

VERIFIED: Final = {"complaint_number": "COMP-20260212-abc123", "status": "verified", "user_name": "John Doe"}
CHANGED: Final = {"complaint_number": "COMP-20260212-abc123", "old_status": "open", "new_status": "verified"}
OVER: Final = (QueueStatus.SENT, QueueStatus.FAILED)


async def play(scene: Scene) -> None:
    """Raises NotSeen, and what the client does."""
    queue, number = NotificationQueue(scene.carillon), int(scene.run, 16)
    phone, mail, officer = f"+4915{number:09}", f"{scene.run}@people.example", f"{scene.run}@officers.example"

    async def queued(channel: str, recipient: str, **more: Any) -> QueuedNotification:
        about: dict[str, Any] = {
            "entity_type": "complaint",
            "entity_id": number,
            "channel": channel,
            "recipient": recipient,
        }
        return await queue.queue_notification(NotificationRequest(**about | more))

    with scene.steps.step("a text to a bare address, by e-mail") as step:
        first = await queued("email", mail, subject="Complaint Status Update", body="Your complaint has been verified.")
        await scene.texts("email", mail, 1, step)
    with scene.steps.step("templates: SMS in German, WhatsApp") as step:
        await queued("sms", phone, template_id="complaint_verified", template_data=VERIFIED, locale="de")
        await queued("whatsapp", phone, template_id="status_update", template_data=CHANGED)
        await scene.texts("sms", phone, 1, step)
        await scene.texts("whatsapp", phone, 1, step)
    with scene.steps.step("an escalation, with high priority") as step:
        await queued("email", officer, template_id="escalation", priority="high")
        await scene.texts("email", officer, 1, step)
    with scene.steps.step("all of it, found by the complaint") as step:
        rows = await scene.until(lambda: _all_over(queue, number), "four that are sent")
        step.detail = ", ".join(f"{row.channel} {row.status}" for row in rows)
    with scene.steps.step("its attempts, and its row for the audit log") as step:
        attempts = await queue.get_attempts(first)
        step.detail = (
            f"{len(attempts)} attempt, {attempts[0].status}; {first.audit_row()['action']} {first.notification_id}"
        )
    with scene.steps.step("refused: a template that does not exist") as step:
        try:
            await queued("email", mail, template_id="complaint_verifyed")
        except ProblemError as refused:
            step.detail = refused.detail


async def _all_over(queue: NotificationQueue, number: int) -> list[QueuedNotification] | None:
    rows = await queue.get_notifications_by_entity("complaint", number)
    return rows if len(rows) == 4 and all(row.status in OVER for row in rows) else None
