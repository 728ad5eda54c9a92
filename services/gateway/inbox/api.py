"""The inbox over HTTP: list, count, change. A user sees and changes his own items only; others' are not found."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response

from services.gateway.auth import Identify
from services.gateway.inbox import responses as answers
from services.gateway.inbox.changes import Changes
from services.gateway.inbox.store import UNREAD, Filter, InboxStore
from services.gateway.inbox.types import where_type
from shared.catalog.cache import Catalog
from shared.http.problems import Problem
from shared.model.inbox import Change
from shared.model.users import User

PREFIX: Final = "/api/v1/notifications"
MOST_SKIPPED: Final = 1_000_000

NotificationType = Annotated[str | None, Query(max_length=200, description="only this type, as `new_message`")]
UnreadOnly = Annotated[bool, Query(description="only what was not read")]


def inbox_routes(store: InboxStore, changes: Changes, catalog: Catalog, identify: Identify) -> APIRouter:
    """Fixed paths first, so that none of them is taken for an id."""
    routes = APIRouter(prefix=PREFIX, tags=["inbox"])
    own = Depends(identify)

    @routes.get("", response_model=answers.Page)
    async def list_notifications(  # noqa: PLR0917  # FastAPI passes them by name
        user: User = own,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        offset: Annotated[int, Query(ge=0, le=MOST_SKIPPED)] = 0,
        unread_only: UnreadOnly = False,
        notification_type: NotificationType = None,
        archived: Annotated[bool, Query(description="only archived ones, instead of none")] = False,
    ) -> Response:
        """Newest first."""
        where = _where(unread_only, archived) | where_type(catalog, user.tenant, notification_type)
        items, total = await store.page(user, where, limit=limit, offset=offset)
        return Response(answers.page(items, user.id, total=total, offset=offset), media_type="application/json")

    @routes.get("/count")
    async def count_notifications(
        user: User = own, unread_only: UnreadOnly = False, notification_type: NotificationType = None
    ) -> answers.CountAnswer:
        """Archived ones are not counted."""
        where = _where(unread_only, archived=False) | where_type(catalog, user.tenant, notification_type)
        return answers.CountAnswer(count=await store.count(user, where))

    @routes.put("/read-all")
    async def read_all(user: User = own, notification_type: NotificationType = None) -> answers.DoneAll:
        """Every unread one, or those of one type."""
        updated = await changes.read_all(user, where_type(catalog, user.tenant, notification_type))
        return answers.DoneAll(message="All notifications marked as read", updated_count=updated)

    async def change(user: User, notification_id: str, to: Change, message: str) -> answers.Done:
        if not await changes.apply(user, to, [notification_id]):
            raise Problem(
                404, "notification_not_found", "Notification not found", fix=f"GET {PREFIX} lists what there is."
            )
        return answers.Done(message=message)

    @routes.put("/{notification_id}/read")
    async def read(notification_id: str, user: User = own) -> answers.Done:
        """Read, and seen."""
        return await change(user, notification_id, Change.READ, "Notification marked as read")

    @routes.put("/{notification_id}/unread")
    async def unread(notification_id: str, user: User = own) -> answers.Done:
        """Back to unread."""
        return await change(user, notification_id, Change.UNREAD, "Notification marked as unread")

    @routes.put("/{notification_id}/seen")
    async def seen(notification_id: str, user: User = own) -> answers.Done:
        """Shown to the user, not opened yet."""
        return await change(user, notification_id, Change.SEEN, "Notification marked as seen")

    @routes.put("/{notification_id}/archive")
    async def archive(notification_id: str, user: User = own) -> answers.Done:
        """Out of the list and the count; `archived=true` lists it."""
        return await change(user, notification_id, Change.ARCHIVED, "Notification archived")

    @routes.delete("/{notification_id}")
    async def delete(notification_id: str, user: User = own) -> answers.Done:
        """Gone for good; deleting it again answers the same."""
        return await change(user, notification_id, Change.DELETED, "Notification deleted successfully")

    return routes


def _where(unread_only: bool, archived: bool) -> Filter:
    state: Filter = {"archived_at": {"$ne": None} if archived else None}
    return state | {"read_at": UNREAD["read_at"]} if unread_only else state
