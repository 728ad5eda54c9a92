"""Notifications of facilitators (`catalog/facilitators`), for a booking backend that speaks HTTP.

facilitators = FacilitatorNotifications(carillon)
success = await facilitators.send_booking_notification(booking_data)
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from time import monotonic
from typing import Any, Final

from carillon.arguments import check_members
from carillon.client import AsyncClient
from carillon.errors import ProblemError
from carillon.json_values import encode

NEW_BOOKING: Final = "facilitators.new_booking"
LOOK_SECONDS: Final = 0.1
_REQUIRED: Final = ("booking_id", "user", "session", "facilitator_id")


class BookingNotificationOutcome(StrEnum):
    """What became of a notification, as far as it was waited for."""

    DELIVERED = "delivered"
    """It has reached a socket of the facilitator, of whichever kind."""
    STORED = "stored"
    """It is durable, and waits in the inbox of the facilitator."""
    SUPPRESSED = "suppressed"
    """The facilitator does not get it: there is no such user, or they want none."""


@dataclass(frozen=True, kw_only=True)
class SentBookingNotification:
    """True unless it was suppressed; `reason` says why."""

    id: str
    outcome: BookingNotificationOutcome
    reason: str | None = None

    def __bool__(self) -> bool:
        """Whether the facilitator gets it, now or when they come back."""
        return self.outcome is not BookingNotificationOutcome.SUPPRESSED


class FacilitatorNotifications:
    """Over a client whose key has the scopes `send`, and `operate` to look what became of it. Raises what the client does."""

    def __init__(self, carillon: AsyncClient, *, workflow: str = NEW_BOOKING, wait_seconds: float = 2.0) -> None:
        """`wait_seconds`: how long it may take to a socket before it counts as stored; with 0 nobody looks."""
        self._carillon = carillon
        self._workflow = workflow
        self._wait_seconds = wait_seconds

    async def send_booking_notification(self, booking_data: Mapping[str, Any]) -> SentBookingNotification:
        """Tells `facilitator_id` of a booking: `booking_id`, `user`, `session`, and what else the texts show.

        Durable when it returns. The same booking, word for word, is the same notification. Raises ValueError, before
        anything is sent, where a member is missing.
        """
        check_members("booking_data", booking_data, _REQUIRED)
        facilitator = str(booking_data["facilitator_id"])
        said = encode([self._workflow, dict(booking_data)])
        accepted = await self._carillon.notify(
            self._workflow,
            [facilitator],
            data=booking_data,
            idempotency_key=f"facilitators-{sha256(said).hexdigest()}",
        )
        return await self._outcome(str(accepted["notifications"][0]["id"]))

    async def _outcome(self, notification: str) -> SentBookingNotification:
        until = monotonic() + self._wait_seconds
        while monotonic() < until:
            found = await self._look(notification)
            if found is not None:
                return found
            await asyncio.sleep(LOOK_SECONDS)
        return SentBookingNotification(id=notification, outcome=BookingNotificationOutcome.STORED)

    async def _look(self, notification: str) -> SentBookingNotification | None:
        """None while it is under way, or waits for a socket."""
        try:
            timeline = await self._carillon.timeline(notification)
        except ProblemError as problem:
            if problem.status != 404:
                raise
            return None  # the console has not seen it yet
        inbox = {each["state"] for each in timeline["channels"] if each.get("channel") == "in_app"}
        if "delivered" in inbox:
            return SentBookingNotification(id=notification, outcome=BookingNotificationOutcome.DELIVERED)
        if timeline["state"] != "terminal" or "sent" in inbox:
            return None
        reason = next((each["reason"] for each in timeline["channels"] if each.get("reason")), None)
        return SentBookingNotification(id=notification, outcome=BookingNotificationOutcome.SUPPRESSED, reason=reason)
