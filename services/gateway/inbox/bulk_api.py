"""Many items in one call: a change of up to 100, and several counts, each by a filter of its own."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, StrictStr

from services.gateway.core.limits import MAX_BATCH_BYTES, MAX_COMMAND_IDS, MAX_COUNTS
from services.gateway.forms import read_form, takes
from services.gateway.identity import Identify
from services.gateway.inbox import responses as answers
from services.gateway.inbox.api import PREFIX
from services.gateway.inbox.changes import Changes
from services.gateway.inbox.filter_form import FilterForm, Moment, inbox_filter
from services.gateway.inbox.one_item import bad_snooze_is_422
from services.gateway.inbox.store import InboxStore
from services.gateway.problem_responses import problem_responses
from shared.catalog.cache import Catalog
from shared.model.inbox import Change
from shared.model.users import User

MAX_COUNT_NAME: Final = 64


class BatchAction(StrEnum):
    """What may be done to items, by the names of the paths that do it to one."""

    READ = "read"
    UNREAD = "unread"
    SEEN = "seen"
    ARCHIVE = "archive"
    UNARCHIVE = "unarchive"
    SNOOZE = "snooze"
    UNSNOOZE = "unsnooze"
    DELETE = "delete"


CHANGES: Final = {
    BatchAction.READ: Change.READ,
    BatchAction.UNREAD: Change.UNREAD,
    BatchAction.SEEN: Change.SEEN,
    BatchAction.ARCHIVE: Change.ARCHIVED,
    BatchAction.UNARCHIVE: Change.UNARCHIVED,
    BatchAction.SNOOZE: Change.SNOOZED,
    BatchAction.UNSNOOZE: Change.UNSNOOZED,
    BatchAction.DELETE: Change.DELETED,
}


class InboxBatch(BaseModel):
    """One change of many items."""

    model_config = ConfigDict(extra="forbid")

    action: BatchAction
    ids: list[Annotated[StrictStr, Field(max_length=64)]] = Field(min_length=1, max_length=MAX_COMMAND_IDS)
    until: Moment | None = Field(None, description="of `snooze`: RFC 3339, in the future, at most 366 days")


class CountsForm(BaseModel):
    """What to count, by names that the answer repeats."""

    model_config = ConfigDict(extra="forbid")

    filters: dict[Annotated[StrictStr, Field(min_length=1, max_length=MAX_COUNT_NAME)], FilterForm] = Field(
        min_length=1, max_length=MAX_COUNTS
    )


def bulk_routes(store: InboxStore, changes: Changes, catalog: Catalog, identify: Identify) -> APIRouter:
    """POST of two paths."""
    routes = APIRouter(prefix=PREFIX, tags=["inbox"], responses=problem_responses(401, 429, 503))
    own = Depends(identify)

    @routes.post("/batch", summary="Change many notifications", **takes(InboxBatch))
    async def change_many(request: Request, user: User = own) -> answers.BatchResponse:
        """One change, told to every device at once. It may be repeated."""
        batch = await read_form(request, InboxBatch, MAX_BATCH_BYTES)
        with bad_snooze_is_422():
            updated = await changes.apply(user, CHANGES[batch.action], batch.ids, batch.until)
        return answers.BatchResponse(message="Notifications changed", updated_count=updated)

    @routes.post("/counts", summary="Count by several filters", **takes(CountsForm, 400))
    async def count_many(request: Request, user: User = own) -> answers.CountsResponse:
        """All counted at once: they fit each other."""
        asked = (await read_form(request, CountsForm, MAX_BATCH_BYTES)).filters
        found, as_of = await store.counts(user, [inbox_filter(catalog, user, form) for form in asked.values()])
        counts = {name: answers.count(each, as_of) for name, each in zip(asked, found, strict=True)}
        return answers.CountsResponse(counts=counts)

    return routes
