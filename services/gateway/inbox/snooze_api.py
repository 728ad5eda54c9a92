"""Snoozing one item, and having it back."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from services.gateway.forms import read_form, takes
from services.gateway.identity import Identify
from services.gateway.inbox import responses as answers
from services.gateway.inbox.api import PREFIX
from services.gateway.inbox.changes import Changes
from services.gateway.inbox.filter_form import Moment
from services.gateway.inbox.one_item import change_one
from services.gateway.problem_responses import problem_responses
from shared.model.inbox import Change
from shared.model.users import User

MAX_SNOOZE_BYTES: Final = 1_024


class SnoozeForm(BaseModel):
    """Until when it is out of the way."""

    model_config = ConfigDict(extra="forbid")

    until: Moment = Field(description="RFC 3339; in the future, at most 366 days")


def snooze_routes(changes: Changes, identify: Identify) -> APIRouter:
    """PUT of two paths."""
    routes = APIRouter(prefix=PREFIX, tags=["inbox"], responses=problem_responses(401, 429, 503))
    own = Depends(identify)

    @routes.put("/{notification_id}/snooze", summary="Snooze a notification", **takes(SnoozeForm, 404))
    async def snooze(notification_id: str, request: Request, user: User = own) -> answers.ChangeResponse:
        """Out of the list and the count until then, and out of the archive; back unread and unseen."""
        form = await read_form(request, SnoozeForm, MAX_SNOOZE_BYTES)
        return await change_one(
            changes, user, Change.SNOOZED, notification_id, "Notification snoozed", until=form.until
        )

    @routes.put(
        "/{notification_id}/unsnooze", summary="Have a snoozed notification back", responses=problem_responses(404, 422)
    )
    async def unsnooze(notification_id: str, user: User = own) -> answers.ChangeResponse:
        """Back in the list and the count at once."""
        return await change_one(changes, user, Change.UNSNOOZED, notification_id, "Notification is back")

    return routes
