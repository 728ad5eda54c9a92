"""Changing one item by HTTP, as its path says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from services.gateway.forms import FIX
from services.gateway.inbox.changes import Changes
from services.gateway.inbox.responses import ChangeResponse
from services.gateway.inbox.snoozing import BadSnooze
from shared.http.problems import Problem
from shared.model.inbox import Change
from shared.model.users import User


async def change_one(
    changes: Changes, user: User, to: Change, notification: str, message: str, *, until: int | None = None
) -> ChangeResponse:
    """Raises Problem 404 for an item that is not the user's, 422 for a bad `until`."""
    with bad_snooze_is_422():
        updated = await changes.apply(user, to, [notification], until)
    if not updated:
        fix = "GET /api/v1/notifications lists what there is."
        raise Problem(404, "notification_not_found", "Notification not found", fix=fix)
    return ChangeResponse(message=message)


@contextmanager
def bad_snooze_is_422() -> Iterator[None]:
    """Says what a good `until` is."""
    try:
        yield
    except BadSnooze as error:
        pointers = [("/until", error.detail)]
        raise Problem(422, "invalid_request", "the request is not valid", fix=FIX, pointers=pointers) from error
