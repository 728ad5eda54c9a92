"""Bodies of `POST /v1/notifications` and its cancel."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import ConfigDict, Discriminator, Field, PlainValidator, StrictBool, Tag, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from services.ingest.core.durability import Durability
from services.ingest.models.audiences import FANOUT_ID, AudienceBody
from services.ingest.models.body import Body, read
from services.ingest.models.fields import PrintableKey, Time, UserId, WorkflowKey, field_error
from services.ingest.models.people import InlinePerson, UserReference
from services.ingest.models.times import When
from shared.model.errors import Invalid
from shared.model.fanouts import MAX_LISTED
from shared.model.local_times import LocalTime
from shared.model.notifications import MAX_RETRIES, Priority
from shared.model.recipients import Recipient, recipient

EventUuid = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
EVENT_ID: Final = "0b0f3d5c-3c43-5f3e-9a55-7d1d0c6f9a10"


def _read_recipient(item: Any) -> Recipient:
    try:
        return recipient(item, "")
    except Invalid as error:
        raise field_error(error) from error


NamedRecipient = Annotated[
    Recipient, PlainValidator(_read_recipient, json_schema_input_type=UserId | UserReference | InlinePerson)
]
DURABLE_IN: Final = "acknowledged by Kafka, or in MongoDB until Kafka is back"


_LIST, _AUDIENCE = "@list", "@audience"
"""Where a fault is, as pydantic says it; no field is called so."""


def _shape(value: object) -> str:
    return _AUDIENCE if isinstance(value, dict | AudienceBody) else _LIST


WantedRecipients = Annotated[
    Annotated[
        list[NamedRecipient],
        Field(min_length=1, max_length=MAX_LISTED, description=f"1 to {MAX_LISTED} user ids or inline people"),
        Tag(_LIST),
    ]
    | Annotated[AudienceBody, Tag(_AUDIENCE)],
    Discriminator(_shape),
]


class SendRequest(Body):
    """Notify users, inline people, or an audience."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "workflow": "chat.new_message",
                    "recipients": ["ada", {"email": "bob@example.com", "name": "Bob"}],
                    "data": {"text": "Hello"},
                    "actor": "grace",
                    "cancellation_key": "message-17",
                    "priority": "high",
                }
            ]
        }
    )

    workflow: WorkflowKey = Field(description="the key of a published workflow, as chat.new_message")
    recipients: WantedRecipients = Field(
        description=f"1 to {MAX_LISTED} user ids or inline people; or an audience: {{topic}}, or {{users: all}}"
    )
    data: dict[str, Any] | None = Field(None, description="what the templates show")
    actor: UserId | None = Field(None, description="the user who did it, never notified of it")
    deliver_at: When | None = Field(
        None, description="not before: an instant, or a time of day where each recipient is"
    )
    expires_at: Time | None = Field(None, description="not after; an inbox item is gone then, too")
    cancellation_key: PrintableKey | None = Field(None, description="the name that they can be cancelled by")
    collapse_key: PrintableKey | None = Field(
        None, description="what it is about: a newer one with the same key replaces what is held or unread"
    )
    subject: PrintableKey | None = Field(
        None, description="what it is about, as complaint/123: its deliveries are found by it"
    )
    supersedes: EventUuid | None = Field(
        None,
        description="the id that an earlier call was answered: what its recipients have of it, by the same workflow, "
        "gives way to this, whether it waits or stands in an inbox, read or not",
    )
    priority: Priority | None = Field(None, description="how urgent, instead of the workflow's")
    max_retries: Annotated[int, Field(ge=0, le=MAX_RETRIES)] | None = Field(
        None, description="how many attempts may follow one that failed, on each channel, instead of the workflow's"
    )

    @field_validator("expires_at")
    @classmethod
    def _is_ahead(cls, at: int | None, info: ValidationInfo[dict[str, int]]) -> int | None:
        if at is not None and at <= info.context["now"]:
            raise PydanticCustomError("invalid", "is over already")
        begins = info.data.get("deliver_at") or 0
        if at is not None and at <= (begins.latest if isinstance(begins, LocalTime) else begins):
            raise PydanticCustomError("invalid", "must be later than deliver_at")
        return at

    @property
    def instant(self) -> int | None:
        """Not before it, for everybody; milliseconds since the epoch."""
        return None if isinstance(self.deliver_at, LocalTime) else self.deliver_at

    @property
    def local_time(self) -> LocalTime | None:
        """Not before it where each recipient is."""
        return self.deliver_at if isinstance(self.deliver_at, LocalTime) else None


class NotifiedUser(Body):
    """One of the notifications that were accepted."""

    id: str
    user: str


class AcceptedNotifications(Body):
    """Every notification is durable."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": EVENT_ID,
                    "notifications": [{"id": "5c1c9b8e-29f4-5d56-8f0f-4f6f4a0f3a11", "user": "ada"}],
                    "durability": Durability.LOG,
                },
                {"id": EVENT_ID, "notifications": [], "fanouts": [FANOUT_ID], "durability": Durability.LOG},
            ]
        }
    )

    id: str = Field(description="the event id, equal for equal Idempotency-Keys and bodies")
    notifications: list[NotifiedUser] = Field(description="those that were made at once; none by a fan-out")
    fanouts: list[str] | None = Field(
        None, description="the fan-out of an audience, or of more than 100 recipients: GET /v1/fanouts/{id}"
    )
    durability: Durability = Field(description=DURABLE_IN)
    unknown_users: list[str] | None = Field(
        None, description="recipients without a profile, as far as that was known at once; left out where none is"
    )


class CancelRequest(Body):
    """Cancel what was accepted with a cancellation key and is not sent yet."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"cancellation_key": "message-17"}, {"cancellation_key": "message-17", "withdraw": True}]
        }
    )

    cancellation_key: PrintableKey = Field(description="the key that the notifications were sent with")
    withdraw: StrictBool = Field(
        False, description="also take out of inboxes, on every device, what stands there by then, read or not"
    )


class Cancelled(Body):
    """Everything accepted with the key so far ends as cancelled unless it was sent already."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"cancellation_key": "message-17", "holds_cancelled": 1},
                {"cancellation_key": "message-17", "holds_cancelled": 0, "items_withdrawn": 3},
            ]
        }
    )

    cancellation_key: str
    holds_cancelled: int
    items_withdrawn: int | None = Field(
        None,
        description="items in inboxes that are being taken out, counted up to 10,000; those on their way follow. "
        "Left out without `withdraw`",
    )


def read_send(value: Any, now: int) -> SendRequest:
    """The request in a decoded body; `now` in milliseconds since the epoch. Raises InvalidFields."""
    return read(SendRequest, value, {"now": now})
