"""Statuses of inbox items that were changed: the same of whoever tells it, and however often."""

from __future__ import annotations

from typing import Final

from shared.model.inbox import Change, InboxItem, copy_of, notification_of
from shared.model.outputs import Output
from shared.model.statuses import Subject, status
from shared.model.timestamps import rfc3339

_UNDONE_TIMES: Final = {
    Change.READ: "unread_times",
    Change.UNREAD: "unread_times",
    Change.ARCHIVED: "unarchived_times",
    Change.UNARCHIVED: "unarchived_times",
    Change.SNOOZED: "snoozed_times",
    Change.UNSNOOZED: "snoozed_times",
}
"""What can be undone and done again, and the item's count of it."""


def changed_status(topic: str, tenant: str, user: str, change: Change, item: InboxItem, *, at: int) -> Output:
    """Its pass is how often the change was undone: a repeated call has the same id, reading once more another.

    `at`: when, for an item that does not say it.
    """
    times = getattr(item, _UNDONE_TIMES[change]) if change in _UNDONE_TIMES else 0
    until = {"until": rfc3339(item.snoozed_until)} if change is Change.SNOOZED and item.snoozed_until else {}
    return status(
        topic,
        area="inbox",
        state=change,
        subject=Subject(item.id, 0, times),
        tenant=tenant,
        user=user,
        at=item.updated_at or at,
        data={"notification": notification_of(item), "workflow": item.workflow} | until | copy_of(item),
    )
