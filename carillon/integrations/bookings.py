"""Booking reminders (`catalog/bookings`), for a booking product: say what happened, or send the reminders yourself.

bookings = BookingNotifications(carillon)
await bookings.create_booking_notifications({"id": 7, "user_id": 42, "start": start, "end": end})
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import uuid4

from carillon.arguments import check_members, segment
from carillon.client import AsyncClient
from carillon.timestamps import rfc3339

OWN_SENDER: Final = "booking.own_sender"
"""The workflow whose reminders wait for a sender of yours."""
MAX_ERROR: Final = 64


class BookingNotificationType(StrEnum):
    """Why somebody is reminded; the keys of the workflows' steps, each behind its `wait-…`."""

    BOOKING_24H = "booking-24h"
    BOOKING_1H = "booking-1h"
    BOOKING_START = "booking-start"
    BOOKING_END = "booking-end"
    BOOKING_CANCEL = "booking-cancel"


class BookingNotificationStatus(StrEnum):
    """Where one reminder on one channel stands."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    SENT = "SENT"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    """Nobody is to get it any more: cancelled, moved, expired, or not wanted."""


_TYPES: Final = frozenset(each.value for each in BookingNotificationType)
_STATUS: Final = {
    **dict.fromkeys(("accepted", "routed", "held", "retrying", "parked", "stale"), "PENDING"),
    **dict.fromkeys(("queued", "claimed"), "PROCESSING"),
    **dict.fromkeys(("sent", "delivered"), "SENT"),
    **dict.fromkeys(("dead", "undelivered", "bounced", "complained", "unconfirmed"), "FAILED"),
}
_REQUIRED: Final = ("id", "user_id")
_STATES_OF: Final = {
    status: [state for state, name in _STATUS.items() if name == status and state not in ("claimed", "routed")]
    for status in BookingNotificationStatus
} | {BookingNotificationStatus.CANCELLED: ["cancelled", "expired", "superseded", "suppressed", "digested"]}
"""As the console lists them."""


@dataclass(frozen=True, kw_only=True)
class BookingNotification:
    """One reminder on one channel. Times are RFC 3339; None: not known, or not yet."""

    id: str
    type: BookingNotificationType
    status: BookingNotificationStatus
    user_id: str
    booking_id: int | str | None = None
    channel: str | None = None
    scheduled_at: str | None = None
    processed_at: str | None = None
    created_at: str | None = None
    error: str | None = None
    taken: Mapping[str, Any] | None = None
    """What a sender of yours has taken, to be marked; None: nobody has."""

    @property
    def data(self) -> Mapping[str, Any]:
        """The booking, as the event said it, of one that was taken."""
        return self.taken["data"] if self.taken is not None else {}


class BookingNotifications:
    """Over a client whose key has the scopes `send`, `operate` to look, and `pull` to send. Raises what the client does."""

    def __init__(self, carillon: AsyncClient, *, source: str = "/bookings", own_sender: bool = False) -> None:
        """`own_sender`: the reminders wait for `get_pending_notifications` instead of going by the platform."""
        self._carillon = carillon
        self._source = source
        self._own_sender = own_sender

    async def create_booking_notifications(self, booking: Mapping[str, Any]) -> str:
        """Reminds of a new booking: `id`, `user_id`, `start`, `end` (aware), and what the texts show. Returns the event's id.

        Durable when it returns; what is past already is left out.
        """
        return await self._happened("booking.created", booking)

    async def reschedule_booking_notifications(self, booking: Mapping[str, Any]) -> str:
        """The same booking at another time: every reminder that was not sent yet moves. Returns the event's id."""
        return await self._happened("booking.rescheduled", booking)

    async def cancel_booking_notifications(self, booking: Mapping[str, Any]) -> str:
        """The booking is cancelled: no reminder follows, and its user is told. Returns the event's id."""
        return await self._happened("booking.cancelled", booking)

    async def get_notifications(self, event: str) -> list[BookingNotification]:
        """What has come of an event so far, oldest first. ProblemError 404 while the console has not seen it."""
        started = await self._carillon.operate("GET", f"/v1/events/{segment('event', event)}/notifications")
        found: list[BookingNotification] = []
        for each in started["notifications"]:
            found += _reminders(await self._carillon.timeline(each["id"]))
        return found

    async def find_notifications(
        self,
        *,
        booking_id: int | str | None = None,
        user_id: int | str | None = None,
        status: BookingNotificationStatus | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 50,
    ) -> list[BookingNotification]:
        """Reminders by booking, user, status and time of the booking (aware), the newest first; what fits all that is given.

        Seconds old at most. A reminder that is not due stands for those behind it, which come one after the other.
        """
        found = await self._carillon.deliveries(
            subject=None if booking_id is None else _subject(booking_id),
            user=None if user_id is None else str(user_id),
            state=None if status is None else ",".join(_STATES_OF[status]),
            since=since,
            until=until,
            limit=limit,
        )
        return [_listed(each) for each in found["deliveries"] if _type_of(each.get("step")) is not None]

    async def get_pending_notifications(self, limit: int = 50, *, lease_seconds: int = 60) -> list[BookingNotification]:
        """Up to `limit` (100) that are due, for a sender of yours. Mark each within `lease_seconds`, or it comes again."""
        taken = await self._carillon.take(limit, lease_seconds=lease_seconds, workflow=OWN_SENDER)
        return [
            BookingNotification(
                id=each["id"],
                type=BookingNotificationType(each["step"]),
                status=BookingNotificationStatus.PROCESSING,
                user_id=each["user"],
                booking_id=each["data"].get("booking_id"),
                channel="pull",
                created_at=each["accepted_at"],
                taken=each,
            )
            for each in taken
        ]

    async def mark_as_sent(self, notification: BookingNotification, receipt: str | None = None) -> None:
        """It was sent; `receipt` is what your provider calls it, and no text: texts are kept nowhere."""
        await self._carillon.sent(_taken(notification), receipt=receipt)

    async def mark_as_failed(self, notification: BookingNotification, error: str, *, retryable: bool = True) -> None:
        """It was not sent: there is another attempt, or with `retryable=False` none. `error` has no address or content."""
        code = re.sub(r"[^A-Za-z0-9_.:-]+", "_", error).strip("_")[:MAX_ERROR] or "failed"
        await self._carillon.failed(_taken(notification), code, retryable=retryable)

    async def _happened(self, event_type: str, booking: Mapping[str, Any]) -> str:
        check_members("booking", booking, _REQUIRED)
        data = {name: rfc3339(value) if isinstance(value, datetime) else value for name, value in booking.items()}
        data["booking_id"] = data.pop("id")
        if self._own_sender:
            data["sender"] = "own"
        event = {"id": str(uuid4()), "source": self._source, "type": event_type, "data": data}
        event["subject"] = _subject(data["booking_id"])
        answer = await self._carillon.send_events([event])
        return str(answer["ids"][0])


def _subject(booking: int | str) -> str:
    return f"booking/{booking}"


def _type_of(step: str | None) -> BookingNotificationType | None:
    name = (step or "").replace("wait-", "booking-")
    return BookingNotificationType(name) if name in _TYPES else None


def _status_of(state: str) -> BookingNotificationStatus:
    return BookingNotificationStatus(_STATUS.get(state, "CANCELLED"))


def _listed(row: Mapping[str, Any]) -> BookingNotification:
    status = _status_of(row["state"])
    why = (row.get("reason") or row["state"], row.get("code"))
    return BookingNotification(
        id=row.get("delivery") or row["notification"],
        type=BookingNotificationType(str(_type_of(row["step"]))),
        status=status,
        user_id=row["user"],
        booking_id=row["subject"].partition("/")[2] if "subject" in row else None,
        channel=row.get("channel"),
        scheduled_at=row.get("due"),
        processed_at=None if status is BookingNotificationStatus.PENDING else row["at"],
        created_at=row["accepted_at"],
        error=": ".join(filter(None, why)) if status is BookingNotificationStatus.FAILED else None,
    )


def _reminders(timeline: Mapping[str, Any]) -> list[BookingNotification]:
    codes = {each["delivery"]: each.get("code") for each in timeline["deliveries"]}
    found = []
    for channel in timeline["channels"]:
        type_ = _type_of(channel.get("step"))
        if type_ is None:
            continue
        status = _status_of(channel["state"])
        found.append(
            BookingNotification(
                id=channel.get("delivery") or timeline["notification"],
                type=type_,
                status=status,
                user_id=timeline["user"],
                channel=channel.get("channel"),
                scheduled_at=channel.get("until"),
                processed_at=None if status is BookingNotificationStatus.PENDING else channel["at"],
                created_at=timeline["accepted_at"],
                error=_error(channel, codes) if status is BookingNotificationStatus.FAILED else None,
            )
        )
    return found


def _error(channel: Mapping[str, Any], codes: Mapping[str, str | None]) -> str:
    """Why it failed, in the platform's word; then in the provider's."""
    said = (channel.get("reason") or channel["state"], codes.get(channel.get("delivery", "")))
    return ": ".join(filter(None, said))


def _taken(notification: BookingNotification) -> Mapping[str, Any]:
    if notification.taken is None:
        raise ValueError("only what get_pending_notifications returned can be marked")
    return notification.taken
