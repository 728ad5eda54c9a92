"""Bodies of `/v1/pull`."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from services.ingest.models.body import Body
from shared.model.digest_items import newest_data
from shared.model.pull import TakenDelivery
from shared.model.timestamps import rfc3339

MAX_TAKEN: Final = 100
_ID: Final = "9a4c8f7e-0b5d-5b2a-8c3d-1e2f3a4b5c6d"
_TAKE: Final = "0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d"
_TIME: Final = "2026-01-05T08:00:00.000Z"
_TAKEN: Final[JsonDict] = {
    "id": _ID, "token": _TAKE, "lease_until": _TIME, "attempt": 1,
    "notification": "5f0c3c6e-3a55-5d0e-9d3f-2b1f5f0a7c11", "event_type": "order.shipped", "workflow": "order.shipped",
    "step": "notify", "user": "ada", "priority": "normal", "data": {"order": "A7"},
    "accepted_at": _TIME, "expires_at": "2026-01-06T08:00:00.000Z",
}  # fmt: skip

LeaseSeconds = Annotated[
    int, Field(ge=10, le=3600, description="how long the caller has; then it counts as a failed attempt")
]
Token = Annotated[str, Field(min_length=1, max_length=64, description="of the take that it was got by")]
ReceiptCode = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,128}$", description="what the provider calls the message")]
FailureCode = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,64}$", description="why, in short; it is in statuses and dead letters")
]


class TakeRequest(Body):
    """What a sender wants."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"most": 50, "lease_seconds": 60}]})

    most: int = Field(10, ge=1, le=MAX_TAKEN, description="at most so many; fewer if they are large")
    lease_seconds: LeaseSeconds = 60
    workflow: str | None = Field(None, min_length=1, max_length=200, description="of this workflow only")


class TakenShown(Body):
    """A delivery, for its taker alone until its lease ends. Nothing is rendered: it has the data."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TAKEN]})

    id: str = Field(description="the same on every attempt: a provider that knows it can tell")
    token: str
    lease_until: str = Field(description="RFC 3339")
    attempt: int = Field(description="which one this is, from 1")
    notification: str
    event_type: str
    workflow: str
    step: str
    user: str
    name: str | None = None
    locale: str | None = None
    actor: str | None = None
    variant: str | None = None
    priority: str
    data: object = Field(description="of the event; of a digest, the newest one's")
    digest: object = Field(None, description="what it gathers, if it is one")
    accepted_at: str
    expires_at: str = Field(description="nothing is to be sent from then on")


class TakenDeliveries(Body):
    """Urgent ones first, then the oldest. None: there is nothing to do now."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"deliveries": [_TAKEN]}]})

    deliveries: list[TakenShown]


class SentReport(Body):
    """It was sent."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"token": _TAKE, "receipt": "SM1f0c"}]})

    token: Token
    receipt: ReceiptCode | None = None


class FailedReport(Body):
    """It was not sent."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"token": _TAKE, "code": "busy", "retry_after_seconds": 30}]}
    )

    token: Token
    code: FailureCode
    retryable: bool = Field(True, description="false: no attempt ever will succeed; it is a dead letter")
    retry_after_seconds: int | None = Field(None, ge=0, le=86_400, description="not before; two hours at the longest")


class ExtendRequest(Body):
    """More time."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"token": _TAKE, "lease_seconds": 60}]})

    token: Token
    lease_seconds: LeaseSeconds = 60


class KeptReport(Body):
    """The report is durable; what follows, follows."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": _ID, "reported": "sent"}]})

    id: str
    reported: str = Field(description="sent or failed")


class ExtendedLease(Body):
    """The lease, counted from now."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": _ID, "lease_until": _TIME}]})

    id: str
    lease_until: str = Field(description="RFC 3339")


def shown(taken: TakenDelivery) -> dict[str, object]:
    """The delivery as the API shows it; what it has not is left out."""
    delivery = taken.delivery
    about = delivery.notification
    known: dict[str, object] = {
        "id": delivery.id,
        "token": taken.token,
        "lease_until": rfc3339(taken.lease_until),
        "attempt": delivery.attempts + 1,
        "notification": about.id,
        "event_type": about.event_type,
        "workflow": about.workflow,
        "step": delivery.step,
        "user": about.user,
        "name": delivery.name,
        "locale": delivery.locale,
        "actor": about.actor,
        "variant": delivery.variant,
        "priority": about.priority,
        "data": msgspec.Raw(bytes(newest_data(delivery))),
        "digest": delivery.digest,
        "accepted_at": rfc3339(about.accepted_at),
        "expires_at": rfc3339(about.expires_at),
    }
    return {name: value for name, value in known.items() if value is not None}
