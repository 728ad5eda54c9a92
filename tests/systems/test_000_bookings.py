"""The booking reminders: what their users were promised, in the order of their document, from outside only.

The clock is everybody's, so bookings are made for when one of their reminders is due in a moment.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from carillon import AsyncClient, ProblemError
from carillon.integrations.bookings import (
    BookingNotification,
    BookingNotifications,
    BookingNotificationStatus,
    BookingNotificationType,
)
from carillon.timestamps import rfc3339
from tests.systems.chat_product import eventually

SOON = timedelta(seconds=4)
DAY, HOUR, FIVE_MINUTES = timedelta(days=1), timedelta(hours=1), timedelta(minutes=5)
REMINDERS = {
    BookingNotificationType.BOOKING_24H: (DAY, HOUR, "Tomorrow: Court 7"),
    BookingNotificationType.BOOKING_1H: (HOUR, HOUR, "In an hour: Court 7"),
    BookingNotificationType.BOOKING_START: (timedelta(0), HOUR, "Now: Court 7"),
    BookingNotificationType.BOOKING_END: (-HOUR + FIVE_MINUTES, HOUR, "Five minutes left of Court 7"),
}
"""How long before the start it is sent, how long the booking is, and how its text begins."""
PENDING, PROCESSING = BookingNotificationStatus.PENDING, BookingNotificationStatus.PROCESSING
SENT = BookingNotificationStatus.SENT
FAILED, CANCELLED = BookingNotificationStatus.FAILED, BookingNotificationStatus.CANCELLED


@dataclass(frozen=True, kw_only=True)
class Venue:
    """A booking product, its guests' phones and mailboxes."""

    stack: dict[str, Any]
    http: aiohttp.ClientSession
    carillon: AsyncClient
    bookings: BookingNotifications

    async def guest(self, *kinds: str) -> dict[str, str]:
        """A new guest with addresses of these kinds; returns id and addresses."""
        number = uuid4().int % 10**8
        user = str(number)  # the document's users are numbers
        addresses = {"telegram": user, "email": f"{user}@guests.example", "phone": f"+49151{number:08}"}
        chosen = {kind: addresses[kind] for kind in kinds}
        await self.carillon.put_user(user, {"addresses": chosen, "locale": "en", "zone": "UTC"})
        return {"user": user} | chosen

    async def texts(self, kind: str, address: str, count: int = 1) -> list[str]:
        """What reached an address, once it is so many."""

        async def enough() -> list[str] | None:
            url = f"{self.stack['urls']['sink']}/messages"
            async with self.http.get(url, params={"kind": kind, "to": address}) as answer:
                found = [message["text"] for message in (await answer.json())["messages"]]
            return found if len(found) >= count else None

        return await eventually(enough)

    async def reminders(
        self, event: str, kind: BookingNotificationType, *statuses: BookingNotificationStatus, count: int = 1
    ) -> list[BookingNotification]:
        """The reminders of one kind that an event led to, once so many of them have one of the statuses."""

        async def there() -> list[BookingNotification] | None:
            try:
                found = await self.bookings.get_notifications(event)
            except ProblemError as problem:
                if problem.status != 404:
                    raise
                return None
            of_kind = [each for each in found if each.type is kind]
            return of_kind if sum(each.status in statuses for each in of_kind) >= count else None

        return await eventually(there)

    async def none_waits(self, event: str) -> None:
        """Until nothing that an event led to is to come any more."""

        async def over() -> bool:
            return not {PENDING, PROCESSING} & {each.status for each in await self.bookings.get_notifications(event)}

        await eventually(over)


@pytest.fixture
async def venue(stack: dict[str, Any]) -> AsyncIterator[Venue]:
    urls = stack["urls"]
    client = AsyncClient(urls["ingest"], stack["api_key"], console_url=urls["console"])
    async with aiohttp.ClientSession() as http, client as carillon:
        yield Venue(stack=stack, http=http, carillon=carillon, bookings=BookingNotifications(carillon))


def booking(guest: dict[str, str], *, starts_in: timedelta, lasts: timedelta = HOUR, number: int = 0) -> dict[str, Any]:
    start = datetime.now(UTC) + starts_in  # noqa: TID251  # the test's own clock
    return {
        "id": number or uuid4().int % 10**9,
        "user_id": int(guest["user"]),
        "title": "Court 7",
        "start": start,
        "end": start + lasts,
    }


# Notification types and timing


@pytest.mark.parametrize("kind", REMINDERS)
async def test_a_reminder_goes_at_its_time_and_none_that_is_past(venue: Venue, kind: BookingNotificationType) -> None:
    before, lasts, begins = REMINDERS[kind]
    guest = await venue.guest("telegram")
    for soon in (SOON, 4 * SOON, 16 * SOON):  # a busy machine decides later than the first of them
        event = await venue.bookings.create_booking_notifications(booking(guest, starts_in=before + soon, lasts=lasts))
        found = await venue.reminders(event, kind, SENT, CANCELLED, count=3)
        sent = [each for each in found if each.status is SENT]
        if sent:
            break
    assert [(each.channel, each.user_id) for each in sent] == [("telegram", guest["user"])]
    [text] = await venue.texts("telegram", guest["telegram"])
    assert text.startswith(begins)


async def test_a_cancelled_booking_tells_so_and_reminds_of_nothing(venue: Venue) -> None:
    guest = await venue.guest("telegram")
    made = booking(guest, starts_in=2 * HOUR)
    created = await venue.bookings.create_booking_notifications(made)
    [waiting] = await venue.reminders(created, BookingNotificationType.BOOKING_1H, PENDING)
    assert waiting.scheduled_at == rfc3339(made["start"] - HOUR)
    cancelled = await venue.bookings.cancel_booking_notifications(made)
    [text] = await venue.texts("telegram", guest["telegram"])
    assert text.startswith("Your booking Court 7 on ")
    assert "was cancelled" in text
    told = await venue.reminders(cancelled, BookingNotificationType.BOOKING_CANCEL, SENT)
    assert [each.channel for each in told if each.processed_at and each.status is SENT] == ["telegram"]
    await venue.none_waits(created)


async def test_a_booking_that_moves_takes_its_reminders_along(venue: Venue) -> None:
    guest = await venue.guest("telegram")
    made = booking(guest, starts_in=timedelta(days=3))
    created = await venue.bookings.create_booking_notifications(made)
    [waiting] = await venue.reminders(created, BookingNotificationType.BOOKING_24H, PENDING)
    assert waiting.scheduled_at == rfc3339(made["start"] - DAY)
    moved = booking(guest, starts_in=5 * HOUR, number=made["id"])
    event = await venue.bookings.reschedule_booking_notifications(moved)
    [waiting] = await venue.reminders(event, BookingNotificationType.BOOKING_1H, PENDING)
    assert waiting.scheduled_at == rfc3339(moved["start"] - HOUR)
    await venue.none_waits(created)


# Usage: a sender of one's own


async def test_pending_ones_are_taken_and_marked(venue: Venue) -> None:
    bookings = BookingNotifications(venue.carillon, own_sender=True)
    guest = await venue.guest()
    made = [booking(guest, starts_in=DAY) for _ in range(2)]
    events = [await bookings.cancel_booking_notifications(each) for each in made]

    taken: list[BookingNotification] = []

    async def both() -> bool:
        taken.extend(await bookings.get_pending_notifications(limit=50))
        return len(taken) == 2

    await eventually(both)
    assert {each.booking_id for each in taken} == {each["id"] for each in made}
    assert {(each.type, each.status) for each in taken} == {("booking-cancel", "PROCESSING")}
    assert taken[0].data["title"] == "Court 7"
    by_booking = {each.booking_id: each for each in taken}
    await bookings.mark_as_sent(by_booking[made[0]["id"]], "message-1")
    await bookings.mark_as_failed(by_booking[made[1]["id"]], "Telegram API Error: chat not found", retryable=False)
    [sent] = await venue.reminders(events[0], BookingNotificationType.BOOKING_CANCEL, SENT)
    assert sent.processed_at
    [failed] = await venue.reminders(events[1], BookingNotificationType.BOOKING_CANCEL, FAILED)
    assert failed.error == "rejected: Telegram_API_Error:_chat_not_found"
    with pytest.raises(ValueError, match="get_pending_notifications"):
        await bookings.mark_as_sent(sent)


async def test_reminders_are_found_by_booking_user_status_and_time(venue: Venue) -> None:
    guest = await venue.guest("telegram")
    made, other = booking(guest, starts_in=2 * HOUR), booking(guest, starts_in=3 * DAY)
    before = datetime.now(UTC)  # noqa: TID251  # the test's own clock
    created = await venue.bookings.create_booking_notifications(made)
    await venue.bookings.create_booking_notifications(other)
    await venue.reminders(created, BookingNotificationType.BOOKING_1H, PENDING)

    async def both() -> bool:
        found = await venue.bookings.find_notifications(user_id=made["user_id"], status=PENDING, since=before)
        return {each.booking_id for each in found} == {str(made["id"]), str(other["id"])}

    await eventually(both)
    [waiting] = await venue.bookings.find_notifications(booking_id=made["id"])
    assert (waiting.type, waiting.scheduled_at) == ("booking-1h", rfc3339(made["start"] - HOUR))
    assert await venue.bookings.find_notifications(booking_id=made["id"], until=before) == []
    await venue.bookings.cancel_booking_notifications(made)

    async def told() -> list[BookingNotification]:
        return await venue.bookings.find_notifications(booking_id=made["id"], status=SENT)

    [sent] = await eventually(told)
    assert (sent.type, sent.channel, sent.error) == ("booking-cancel", "telegram", None)

    async def over() -> list[BookingNotification]:
        return await venue.bookings.find_notifications(booking_id=made["id"], status=CANCELLED)

    [moved] = await eventually(over)
    assert moved.type == "booking-1h"
    for status in BookingNotificationStatus:
        await venue.bookings.find_notifications(status=status, limit=1)


# Future enhancements


async def test_several_channels_and_what_the_user_wants_of_them(venue: Venue) -> None:
    guest = await venue.guest("telegram", "email", "phone")
    await venue.carillon.put_user(
        guest["user"],
        {
            "addresses": {kind: guest[kind] for kind in ("telegram", "email", "phone")},
            "preferences": {"channel_types": {"email": False}},
        },
    )
    event = await venue.bookings.cancel_booking_notifications(booking(guest, starts_in=DAY))
    [by_sms] = await venue.texts("sms", guest["phone"])
    [by_telegram] = await venue.texts("telegram", guest["telegram"])
    assert by_sms == by_telegram.replace("\u202f", " "), "which leaves room for 160 letters"
    found = await venue.reminders(event, BookingNotificationType.BOOKING_CANCEL, SENT, CANCELLED, count=3)
    assert {each.channel: each.status for each in found} == {"telegram": SENT, "sms": SENT, "email": CANCELLED}
