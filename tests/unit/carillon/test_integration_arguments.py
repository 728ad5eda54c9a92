"""What the integrations are given is looked at before anything is sent: the error names what is missing."""

from __future__ import annotations

from typing import Any

import pytest

from carillon.client import AsyncClient
from carillon.integrations.bookings import BookingNotifications
from carillon.integrations.facilitators import FacilitatorNotifications

NOWHERE = "http://127.0.0.1:9"
BOOKING = {"id": 7, "user_id": "ana"}


@pytest.mark.parametrize(
    ("booking", "kind", "says"),
    [
        ({"user_id": "ana"}, ValueError, "booking lacks id"),
        ({"booking_id": 7, "user_id": "ana"}, ValueError, "booking lacks id"),
        (BOOKING | {"id": None}, ValueError, "booking lacks id"),
        ({"id": 7}, ValueError, "booking lacks user_id"),
        ({}, ValueError, "booking lacks id, user_id"),
        (None, TypeError, "booking is a NoneType; give a mapping with id, user_id"),
        ("7", TypeError, "booking is a str"),
    ],
)
async def test_a_booking_without_its_members_is_not_sent(booking: Any, kind: type[Exception], says: str) -> None:
    async with AsyncClient(NOWHERE, "key") as client:
        bookings = BookingNotifications(client)
        for call in (
            bookings.create_booking_notifications,
            bookings.reschedule_booking_notifications,
            bookings.cancel_booking_notifications,
        ):
            with pytest.raises(kind, match=says):
                await call(booking)


async def test_an_event_without_a_name_is_asked_for_nowhere() -> None:
    async with AsyncClient(NOWHERE, "key") as client:
        with pytest.raises(ValueError, match="the event is empty"):
            await BookingNotifications(client).get_notifications("")


@pytest.mark.parametrize(("booking", "kind"), [(None, TypeError), ({"booking_id": 1}, ValueError)])
async def test_a_facilitators_booking_without_its_members_is_not_sent(booking: Any, kind: type[Exception]) -> None:
    async with AsyncClient(NOWHERE, "key") as client:
        with pytest.raises(kind, match="booking_data"):
            await FacilitatorNotifications(client).send_booking_notification(booking)
