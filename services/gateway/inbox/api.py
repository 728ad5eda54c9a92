"""The inbox over HTTP: list, count, change. A user sees and changes their own items only; others' are not found."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response

from services.gateway.core.limits import MAX_CURSOR_CHARACTERS, MAX_OFFSET, MAX_PAGE
from services.gateway.identity import Identify
from services.gateway.inbox import responses as answers
from services.gateway.inbox.changes import Changes
from services.gateway.inbox.filter_form import (
    FilterForm,
    NotificationType,
    Search,
    asked_form,
    inbox_filter,
    unknown_type_is_400,
)
from services.gateway.inbox.one_item import change_one
from services.gateway.inbox.paging import read_page_cursor
from services.gateway.inbox.store import InboxStore
from services.gateway.problem_responses import problem_responses
from shared.catalog.cache import Catalog
from shared.http.problems import Problem
from shared.model.inbox import Change
from shared.model.users import User
from shared.process.clock import now_ms

PREFIX: Final = "/api/v1/notifications"

PageCursor = Annotated[
    str | None,
    Query(
        max_length=MAX_CURSOR_CHARACTERS, description="`next_cursor` of the page before: nothing twice, nothing missed"
    ),
]


def inbox_routes(store: InboxStore, changes: Changes, catalog: Catalog, identify: Identify) -> APIRouter:
    """Fixed paths first, so that none of them is taken for an id."""
    routes = APIRouter(prefix=PREFIX, tags=["inbox"], responses=problem_responses(401, 422, 429, 503))
    own, asked = Depends(identify), Depends(asked_form)

    @routes.get(
        "", summary="List notifications", response_model=answers.NotificationPage, responses=problem_responses(400)
    )
    async def list_notifications(  # noqa: PLR0917  # FastAPI passes them by name
        user: User = own,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 20,
        offset: Annotated[int, Query(ge=0, le=MAX_OFFSET)] = 0,
        cursor: PageCursor = None,
        form: FilterForm = asked,
        q: Search = "",
    ) -> Response:
        """Newest first. A page of large items ends early: go on with `next_cursor`."""
        where = inbox_filter(catalog, user, form, q)
        found = await store.page(user, where, limit=limit, offset=offset, below=_offset_of(cursor))
        return Response(answers.page(found, user.id, now_ms()), media_type="application/json")

    @routes.get("/count", summary="Count notifications", responses=problem_responses(400))
    async def count_notifications(user: User = own, form: FilterForm = asked, q: Search = "") -> answers.CountResponse:
        """Archived ones are counted by `archived=true` only."""
        [found], as_of = await store.counts(user, [inbox_filter(catalog, user, form, q)])
        return answers.count(found, as_of)

    @routes.put("/read-all", summary="Mark all notifications as read", responses=problem_responses(400))
    async def read_all(user: User = own, notification_type: NotificationType = None) -> answers.ReadAllResponse:
        """Every unread one, or those of one type."""
        with unknown_type_is_400():
            updated = await changes.read_all(user, notification_type)
        return answers.ReadAllResponse(message="All notifications marked as read", updated_count=updated)

    @routes.put("/{notification_id}/read", summary="Mark a notification as read", responses=problem_responses(404))
    async def read(notification_id: str, user: User = own) -> answers.ChangeResponse:
        """Read, and seen."""
        return await change_one(changes, user, Change.READ, notification_id, "Notification marked as read")

    @routes.put("/{notification_id}/unread", summary="Mark a notification as unread", responses=problem_responses(404))
    async def unread(notification_id: str, user: User = own) -> answers.ChangeResponse:
        """Back to unread."""
        return await change_one(changes, user, Change.UNREAD, notification_id, "Notification marked as unread")

    @routes.put("/{notification_id}/seen", summary="Mark a notification as seen", responses=problem_responses(404))
    async def seen(notification_id: str, user: User = own) -> answers.ChangeResponse:
        """Shown to the user, not opened yet."""
        return await change_one(changes, user, Change.SEEN, notification_id, "Notification marked as seen")

    @routes.put("/{notification_id}/archive", summary="Archive a notification", responses=problem_responses(404))
    async def archive(notification_id: str, user: User = own) -> answers.ChangeResponse:
        """Out of the list and the count; `archived=true` lists it."""
        return await change_one(changes, user, Change.ARCHIVED, notification_id, "Notification archived")

    @routes.put(
        "/{notification_id}/unarchive",
        summary="Take a notification out of the archive",
        responses=problem_responses(404),
    )
    async def unarchive(notification_id: str, user: User = own) -> answers.ChangeResponse:
        """Back into the list, and into the count unless it was read."""
        return await change_one(
            changes, user, Change.UNARCHIVED, notification_id, "Notification restored from the archive"
        )

    @routes.delete("/{notification_id}", summary="Delete a notification", responses=problem_responses(404))
    async def delete(notification_id: str, user: User = own) -> answers.ChangeResponse:
        """Gone for good; deleting it again answers the same."""
        return await change_one(changes, user, Change.DELETED, notification_id, "Notification deleted successfully")

    return routes


def _offset_of(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    offset = read_page_cursor(cursor)
    if offset is None:
        fix = "Send `next_cursor` as a page gave it, or leave it out for the first page."
        pointers = [("/cursor", "is no cursor of this API")]
        raise Problem(422, "invalid_request", "the request is not valid", fix=fix, pointers=pointers)
    return offset
