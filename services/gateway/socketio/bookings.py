"""Bookings on their way from a backend to ingest, and what became of them. Contract: docs/socketio.md."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Any, Final, NamedTuple

import aiohttp
import msgspec

from services.gateway.dialects.core.facilitator import NEW_BOOKING
from shared.model.errors import CarillonError, Unavailable
from shared.model.formats import NewerFormat
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.profiles import read as read_profile

PATH: Final = "/v1/notifications"
SEND_SECONDS: Final = 5.0
REACH_SECONDS: Final = 2.0
"""How long a booking may take to a socket; then it counts as stored."""
LOOK_SECONDS: Final = 0.1
TYPE: Final = r"^[a-z][a-z0-9_]{0,63}$"
_AWAY: Final = "the platform does not answer; send it again"


class BookingRejected(CarillonError):
    """It is not sent; the message says why, to the backend."""


class BookingOutcome(StrEnum):
    """What a backend is told, by the name of its event."""

    DELIVERED = "notification_delivered"
    STORED = "notification_stored"


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """What a backend sends; further members go along."""

    booking_id: int | str
    user: dict[str, Any]
    session: dict[str, Any]
    facilitator_id: int | str
    type: Annotated[str, msgspec.Meta(pattern=TYPE)] = NEW_BOOKING


class SentBooking(NamedTuple):
    """A notification that is durable."""

    tenant: str
    user: str
    notification: str


def workflow_of(kind: str, new_booking: str) -> str:
    """Of a type of notification: beside `new_booking`, the workflow of that type, by the type's name."""
    return new_booking if kind == NEW_BOOKING else f"{new_booking.rpartition('.')[0]}.{kind}".removeprefix(".")


class BookingSender:
    """Sends by ingest, so that all that holds for its callers holds here: scopes, schemas, rates, tenants."""

    def __init__(self, http: aiohttp.ClientSession, ingest_url: str, workflow: str, database: Database) -> None:
        self._http = http
        self._url = ingest_url + PATH
        self._workflow = workflow
        self._database = database

    async def send(self, tenant: str, key: str, data: object) -> SentBooking:
        """Durable when it returns. The same booking, word for word, is the same notification. Raises BookingRejected."""
        try:
            booking = msgspec.convert(data, Booking)
        except msgspec.ValidationError as problem:
            raise BookingRejected(f"booking_notification: {problem}") from problem
        user = str(booking.facilitator_id)
        await self._check_known(tenant, user)
        workflow = workflow_of(booking.type, self._workflow)
        body = msgspec.json.encode({"workflow": workflow, "recipients": [user], "data": data}, order="sorted")
        headers = {
            "authorization": f"Bearer {key}",
            "content-type": "application/json",
            "idempotency-key": f"socketio-{sha256(body).hexdigest()}",
        }
        try:
            async with asyncio.timeout(SEND_SECONDS), self._http.post(self._url, data=body, headers=headers) as answer:
                found = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise BookingRejected(_AWAY) from error
        if answer.status != 202:
            raise BookingRejected(str(found.get("detail", _AWAY)) if isinstance(found, dict) else _AWAY)
        return SentBooking(tenant, user, found["notifications"][0]["id"])

    async def _check_known(self, tenant: str, user: str) -> None:
        """Nothing would be stored for a user without a profile, nor by a repetition. Raises BookingRejected."""
        with suppress(Unavailable, NewerFormat):  # while it cannot be seen, the router decides
            if await read_profile(self._database, tenant, user) is None:
                raise BookingRejected(
                    f"there is no user {user!r}: make them with PUT /v1/users/{{id}}, then send it again"
                )

    async def outcome(self, sent: SentBooking) -> BookingOutcome:
        """DELIVERED once it has reached a socket of its user, in whichever process; STORED if that takes too long."""
        row = {"tenant": sent.tenant, "user": sent.user, "notification": sent.notification}
        with suppress(TimeoutError, Unavailable):
            async with asyncio.timeout(REACH_SECONDS):
                while True:
                    with mongo_border():
                        found = await self._database.inbox.find_one(row, {"delivered_at": 1})
                    if found is not None and found.get("delivered_at") is not None:
                        return BookingOutcome.DELIVERED
                    await asyncio.sleep(LOOK_SECONDS)
        return BookingOutcome.STORED
