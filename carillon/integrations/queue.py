"""The multi-channel queue (`catalog/complaints`): one message to one address, sent behind the caller's back.

queue = NotificationQueue(carillon)
queued = await queue.queue_notification(NotificationRequest(entity_type="complaint", entity_id=123, channel="email", …))
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from carillon.arguments import segment
from carillon.client import AsyncClient
from carillon.integrations.queue_requests import MESSAGE, NotificationRequest, QueueChannel, QueuePriority, about
from carillon.integrations.queue_rows import (
    NotificationAttempt,
    QueuedNotification,
    QueueStatus,
    attempts_of,
    goes_on_elsewhere,
    queued,
    row_of,
    row_of_delivery,
    states_of,
)

__all__ = [
    "NotificationAttempt",
    "NotificationQueue",
    "NotificationRequest",
    "QueueChannel",
    "QueuePriority",
    "QueueStatus",
    "QueuedNotification",
]


MAX_PAGE: Final = 500
Entity = tuple[str, int | str]
"""What a notification is about: `("complaint", 123)`."""


class NotificationQueue:
    """Over a client whose key has the scopes `send`, and `operate` to look. Raises what the client does."""

    def __init__(self, carillon: AsyncClient, *, templates: str = "complaints") -> None:
        """`templates`: what the keys of its workflows begin with. A template of yours is the workflow `complaints.NAME`."""
        self._carillon = carillon
        self._templates = templates

    async def queue_notification(
        self, request: NotificationRequest | Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> QueuedNotification:
        """Takes one over: durable when it returns, and never waits for the send.

        Raises ValueError, and ProblemError 422 for an address or a template that does not exist: nothing is sent then.
        """
        wanted = request if isinstance(request, NotificationRequest) else NotificationRequest(**request)
        wanted.check()
        accepted = await self._carillon.notify(
            f"{self._templates}.{wanted.template_id or MESSAGE}",
            [wanted.person()],
            data=wanted.data(),
            priority=str(wanted.priority),
            max_retries=wanted.max_retries,
            deliver_at=wanted.deliver_at,
            subject=wanted.about,
            idempotency_key=idempotency_key,
        )
        return queued(wanted, accepted["id"])

    async def get_notification(
        self, notification: QueuedNotification | str | int, *, entity: Entity | None = None
    ) -> QueuedNotification:
        """Where one stands now; a number (`notification_id`) is looked for among those about `entity`.

        ProblemError 404 while the console has not seen it, LookupError where nothing about `entity` has the number.
        """
        return row_of(await self._timeline(notification, entity))

    async def get_notifications_by_status(
        self, status: QueueStatus | str, *, limit: int = 100
    ) -> list[QueuedNotification]:
        """Up to `limit` that have a status now, those queued last first; the platform lists them seconds late at most."""
        wanted = QueueStatus(status)
        rows = self._listed(state=states_of(wanted), workflow=f"{self._templates}.*")
        return await _first(limit, (row async for row in rows if row.status is wanted))

    async def get_notifications_by_entity(
        self, entity_type: str, entity_id: int | str, *, limit: int = 100
    ) -> list[QueuedNotification]:
        """Up to `limit` about something, those queued last first."""
        return await _first(limit, self._listed(subject=about(entity_type, entity_id), workflow=f"{self._templates}.*"))

    async def _listed(self, **wanted: Any) -> AsyncIterator[QueuedNotification]:
        cursor = None
        while True:
            page = await self._carillon.deliveries(**wanted, limit=MAX_PAGE, cursor=cursor)
            for found in page["deliveries"]:
                if not goes_on_elsewhere(found):
                    yield row_of_delivery(found)
            if (cursor := page["cursor"]) is None:
                return

    async def get_attempts(
        self, notification: QueuedNotification | str | int, *, entity: Entity | None = None
    ) -> list[NotificationAttempt]:
        """A row for each attempt of one, oldest first; of more than twenty the newest. Raises as `get_notification`."""
        return attempts_of(await self._timeline(notification, entity))

    async def _id_of(self, number: int, entity: Entity | None) -> str:
        if entity is None:
            raise ValueError("entity: a number is looked for among those about something, as ('complaint', 123)")
        async for row in self._listed(subject=about(*entity)):
            if row.notification_id == number:
                return row.id
        raise LookupError(f"nothing about {about(*entity)} has the number {number}, as far as the console has seen")

    async def _timeline(self, notification: QueuedNotification | str | int, entity: Entity | None) -> Mapping[str, Any]:
        """Of the notification that the call became: a user's own, where a user has the address."""
        if isinstance(notification, QueuedNotification):
            id_ = notification.id
        else:
            id_ = await self._id_of(notification, entity) if isinstance(notification, int) else notification
        started = await self._carillon.operate("GET", f"/v1/events/{segment('notification', id_)}/notifications")
        found: Mapping[str, Any] = {}
        for each in started["notifications"]:
            found = await self._carillon.timeline(each["id"])
            if not any(map(goes_on_elsewhere, found["channels"])):
                break
        return found


async def _first(most: int, rows: AsyncIterator[QueuedNotification]) -> list[QueuedNotification]:
    found: list[QueuedNotification] = []
    async for row in rows:
        if len(found) == most:
            break
        found.append(row)
    return found
