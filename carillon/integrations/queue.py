"""The multi-channel queue (`catalog/complaints`): one message to one address, sent behind the caller's back.

queue = NotificationQueue(carillon)
queued = await queue.queue_notification(NotificationRequest(entity_type="complaint", entity_id=123, channel="email", …))
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from carillon.client import AsyncClient
from carillon.integrations.queue_requests import MESSAGE, NotificationRequest, QueueChannel, QueuePriority
from carillon.integrations.queue_rows import (
    NotificationAttempt,
    QueuedNotification,
    QueueStatus,
    attempts_of,
    queued,
    row_of,
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
            idempotency_key=idempotency_key,
        )
        return queued(wanted, accepted["notifications"][0]["id"])

    async def get_notification(self, notification: QueuedNotification | str) -> QueuedNotification:
        """Where one stands now. ProblemError 404 while the console has not seen it."""
        return row_of(await self._timeline(notification))

    async def get_attempts(self, notification: QueuedNotification | str) -> list[NotificationAttempt]:
        """A row for each attempt of one, oldest first; of more than twenty the newest."""
        return attempts_of(await self._timeline(notification))

    async def _timeline(self, notification: QueuedNotification | str) -> Mapping[str, Any]:
        id_ = notification.id if isinstance(notification, QueuedNotification) else notification
        return await self._carillon.timeline(id_)
