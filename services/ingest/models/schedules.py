"""Bodies of `/v1/schedules`."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from services.ingest.models.body import Body, read
from services.ingest.models.fields import Time, WorkflowKey, checked
from services.ingest.models.notifications import WantedRecipients
from shared.model.crons import MAX_CRON, cron
from shared.model.quiet_windows import check_zone
from shared.model.recipients import Recipient
from shared.model.schedules import EACH_RECIPIENTS, Schedule, ScheduleState, check_schedule_id
from shared.model.timestamps import rfc3339
from shared.model.workflow_recipients import Audience

NEWSLETTER: Final[JsonDict] = {
    "id": "weekly-offers",
    "workflow": "orders.promotion",
    "recipients": ["ada"],
    "cron": "0 9 * * 1",
    "zone": "Europe/Berlin",
}


def _check_zone(value: str, pointer: str) -> str:
    return value if value == EACH_RECIPIENTS else check_zone(value, pointer)


IdOfSchedule = Annotated[str, checked(check_schedule_id), Field(json_schema_extra={"maxLength": 100})]
Cron = Annotated[str, checked(cron), Field(json_schema_extra={"maxLength": MAX_CRON})]
ScheduleZone = Annotated[str, checked(_check_zone)]


def _settable(state: ScheduleState) -> ScheduleState:
    if state is ScheduleState.ENDED:
        raise PydanticCustomError("invalid", "must be one of active, paused: it ends by ends_at, or is deleted")
    return state


class ScheduleRequest(Body):
    """Send to users, inline people or an audience, again and again."""

    model_config = ConfigDict(json_schema_extra={"examples": [NEWSLETTER]})

    id: IdOfSchedule | None = Field(None, description="what you call it; made up when left out")
    workflow: WorkflowKey = Field(description="the key of a published workflow; its newest version is sent")
    recipients: WantedRecipients = Field(description="as in POST /v1/notifications: a list, or an audience")
    data: dict[str, object] | None = Field(None, description="what the templates show")
    cron: Cron = Field(description="minute, hour, day of the month, month, day of the week: 0 9 * * 1-5")
    zone: ScheduleZone = Field(description=f"an IANA time zone, or {EACH_RECIPIENTS}: where each recipient is")
    starts_at: Time | None = Field(None, description="never before")
    ends_at: Time | None = Field(None, description="not at this time or later")

    @field_validator("ends_at")
    @classmethod
    def _is_ahead(cls, at: int | None, info: ValidationInfo[dict[str, int]]) -> int | None:
        if at is not None and at <= max(info.context["now"], info.data.get("starts_at") or 0):
            raise PydanticCustomError("invalid", "is over already, or not later than starts_at")
        return at


class SchedulePatch(Body):
    """Pause it, or let it go on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"state": "paused"}]})

    state: Annotated[ScheduleState, AfterValidator(_settable)] = Field(
        description="paused, or active: what was missed is not made up for"
    )


class StoredSchedule(Body):
    """A schedule as it stands."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                NEWSLETTER
                | {
                    "data": {},
                    "state": "active",
                    "next_at": "2026-12-07T08:00:00.000Z",
                    "created_at": "2026-12-01T10:00:00.000Z",
                }
            ]
        }
    )

    id: str
    workflow: str
    recipients: WantedRecipients
    data: dict[str, object]
    cron: str
    zone: str
    starts_at: str | None = None
    ends_at: str | None = None
    state: ScheduleState
    next_at: str | None = Field(None, description="when it fires next; none while it does not")
    last_at: str | None = Field(None, description="the time for which it fired last")
    created_at: str


class SchedulePage(Body):
    """A tenant's schedules by id."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"schedules": [], "after": None}]})

    schedules: list[StoredSchedule]
    after: str | None = Field(None, description="ask for what comes after this id; none: these are the last")


def read_schedule(value: object, now: int) -> ScheduleRequest:
    """The request in a decoded body; `now` in milliseconds since the epoch. Raises InvalidFields."""
    return read(ScheduleRequest, value, {"now": now})


def shown_schedule(schedule: Schedule) -> dict[str, object]:
    """A schedule as the API shows it."""
    times = {
        "starts_at": schedule.starts_at,
        "ends_at": schedule.ends_at,
        "next_at": schedule.next_at,
        "last_at": schedule.last_at,
        "created_at": schedule.created_at,
    }
    return {
        "id": schedule.id,
        "workflow": schedule.workflow,
        "recipients": _audience(schedule.audience) or [_shown(one) for one in schedule.recipients],
        "data": msgspec.Raw(bytes(schedule.data)),
        "cron": schedule.cron,
        "zone": schedule.zone,
        "state": schedule.state,
        **{name: rfc3339(at) for name, at in times.items() if at is not None},
    }


def _audience(audience: Audience | None) -> object:
    return None if audience is None else msgspec.to_builtins(audience)


def _shown(recipient: Recipient) -> object:
    contact = recipient.contact
    if contact is None:
        return recipient.id
    said = {"name": contact.name, "locale": contact.locale, "zone": contact.zone}
    return contact.addresses | {name: value for name, value in said.items() if value is not None}
