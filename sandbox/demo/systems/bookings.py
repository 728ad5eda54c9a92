"""Booking reminders: one that is due in a moment, one that is moved, one that is cancelled, and one of your own sender's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from carillon.errors import ProblemError
from carillon.integrations.bookings import BookingNotification, BookingNotifications, BookingNotificationStatus
from sandbox.demo.systems.scene import Scene
from shared.model.timestamps import to_datetime
from shared.process.clock import now_ms

HOUR: Final = timedelta(hours=1)
SOON: Final = timedelta(seconds=6)
"""How far ahead what is sped up is due."""


async def play(scene: Scene) -> None:
    """Raises NotSeen, and what the client does."""
    bookings = BookingNotifications(scene.carillon)
    own = BookingNotifications(scene.carillon, own_sender=True)
    guest = int(scene.run, 16)
    phone, mail = f"+4915{guest:09}", f"{guest}@guests.example"
    with scene.steps.step("a guest: Telegram, e-mail, SMS"):
        addresses = {"telegram": str(guest), "email": mail, "phone": phone}
        await scene.carillon.put_user(str(guest), {"addresses": addresses, "locale": "en", "zone": "UTC"})
    with scene.steps.step("booked: it starts in an hour and a moment") as step:
        event = await bookings.create_booking_notifications(_booking(guest, 1, HOUR + SOON))
        await scene.texts("telegram", str(guest), 1, step)
        await scene.texts("email", mail, 1, step)
        await scene.texts("sms", phone, 1, step)
    with scene.steps.step("what is left of it: at the start, and at the end") as step:
        waiting = await _waiting(scene, bookings, event)
        step.detail = f"{waiting[0].type} at {waiting[0].scheduled_at}, and then the next"
    with scene.steps.step("moved to another day: its reminders move along") as step:
        moved = await bookings.reschedule_booking_notifications(_booking(guest, 1, timedelta(days=3)))
        waiting = await _waiting(scene, bookings, moved)
        step.detail = f"{waiting[0].type} at {waiting[0].scheduled_at}"
    with scene.steps.step("cancelled: its user is told, and nothing follows") as step:
        await bookings.cancel_booking_notifications(_booking(guest, 1, timedelta(days=3)))
        await scene.texts("telegram", str(guest), 2, step)
    with scene.steps.step("taken by a sender of one's own, and marked") as step:
        await own.create_booking_notifications(_booking(guest, 2, SOON))
        mine = await scene.until(lambda: _taken(own, guest), "a reminder to take")
        await own.mark_as_sent(mine, receipt="by-pigeon")
        scene.note("your sender", str(guest), f"{mine.type} of booking {mine.booking_id}, marked as sent")


def _booking(guest: int, number: int, starts_in: timedelta) -> dict[str, Any]:
    start = to_datetime(now_ms()) + starts_in
    return {"id": guest * 10 + number, "user_id": guest, "title": "Court 7", "start": start, "end": start + HOUR}


async def _waiting(scene: Scene, bookings: BookingNotifications, event: str) -> list[BookingNotification]:
    async def look() -> list[BookingNotification] | None:
        try:
            found = await bookings.get_notifications(event)
        except ProblemError as problem:
            if problem.status != 404:
                raise
            return None
        pending = [each for each in found if each.status is BookingNotificationStatus.PENDING]
        return [each for each in pending if each.scheduled_at is not None] or None

    return await scene.until(look, "a reminder that waits for its time")


async def _taken(bookings: BookingNotifications, guest: int) -> BookingNotification | None:
    for each in await bookings.get_pending_notifications():
        if each.user_id == str(guest):
            return each
    return None
