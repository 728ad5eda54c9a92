"""A complaints office on Carillon, as its backend, its people's mailboxes and its operators see it: from outside only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import aiohttp

from carillon import AsyncClient, ProblemError
from carillon.integrations.queue import (
    NotificationQueue,
    NotificationRequest,
    QueuedNotification,
    QueueStatus,
)
from tests.systems.chat_product import eventually

VERIFIED = {"complaint_number": "COMP-20260212-abc123", "status": "verified", "user_name": "John Doe"}
"""Data of the template of a verified complaint."""
PROVIDERS = {"sms": ("twilio", "vonage"), "whatsapp": ("meta",)}


@dataclass(frozen=True, kw_only=True)
class Office:
    """A complaints office, its people's phones and mailboxes."""

    stack: dict[str, Any]
    http: aiohttp.ClientSession
    carillon: AsyncClient
    queue: NotificationQueue

    async def queued(self, channel: str = "email", to: str = "", **more: Any) -> QueuedNotification:
        """A text, or what `more` says instead, queued about a complaint of the test's own."""
        text = {} if "template_id" in more else {"body": "Your complaint has been verified."}
        asked = {"entity_type": "complaint", "entity_id": uuid4().int % 10**9, "channel": channel}
        request = NotificationRequest(**asked | text | {"recipient": to or recipient(channel)} | more)
        return await self.queue.queue_notification(request)

    async def messages(self, channel: str, to: str, count: int = 1) -> list[dict[str, Any]]:
        """What reached an address, once it is so many."""

        async def enough() -> list[dict[str, Any]] | None:
            url, wanted = f"{self.stack['urls']['sink']}/messages", {"kind": channel, "to": to}
            async with self.http.get(url, params=wanted) as answer:
                found: list[dict[str, Any]] = (await answer.json())["messages"]
            return found if len(found) >= count else None

        found: list[dict[str, Any]] = await eventually(enough)
        return found

    async def calls(self, hook: str) -> list[dict[str, Any]]:
        """What a webhook was told so far."""
        url = f"{self.stack['urls']['sink']}/messages"
        async with self.http.get(url, params={"kind": "webhook", "to": hook}) as answer:
            return list((await answer.json())["messages"])

    async def until(
        self, notification: QueuedNotification, holds: Callable[[QueuedNotification], bool]
    ) -> QueuedNotification:
        """A notification as soon as that holds of it."""

        async def there() -> QueuedNotification | None:
            try:
                found = await self.queue.get_notification(notification)
            except ProblemError as problem:
                if problem.status != 404:
                    raise
                return None
            return found if holds(found) else None

        found: QueuedNotification = await eventually(there)
        return found

    async def ends(self, notification: QueuedNotification) -> QueuedNotification:
        """A notification when it is sent, or has failed."""
        return await self.until(notification, lambda row: row.status in (QueueStatus.SENT, QueueStatus.FAILED))

    async def seen(self, notification: QueuedNotification) -> list[str]:
        """The statuses that it has had, in order, without repetitions in a row."""
        found = ["pending"]
        timeline = await self.timeline(notification)
        words = {"retrying": "retrying", "sent": "sent", "dead": "failed"}
        for entry in timeline["entries"]:
            status = words.get(entry["state"], found[-1])
            found += [status] if status != found[-1] else []
        return found

    async def timeline(self, notification: QueuedNotification) -> dict[str, Any]:
        """The platform's own story of it."""
        started = await self.carillon.operate("GET", f"/v1/events/{notification.id}/notifications")
        return await self.carillon.timeline(started["notifications"][0]["id"])

    async def fail(self, channel: str, to: str, times: int | None = None) -> None:
        """The next attempts to reach an address fail for a while, or until they are told to succeed."""
        fault: dict[str, Any] = {"only": to} | ({} if times is None else {"times": times})
        if channel == "email":
            plan: dict[str, Any] = {"email": {"mode": "tempfail", **fault}}
        else:
            down = {"mode": "down", **fault}
            plan = {"providers": dict.fromkeys(PROVIDERS[channel], down)}
        async with self.http.put(f"{self.stack['urls']['sink']}/faults", json=plan) as answer:
            assert answer.status == 200, await answer.text()

    async def heal(self) -> None:
        """Every provider works again."""
        async with self.http.delete(f"{self.stack['urls']['sink']}/faults") as answer:
            assert answer.status == 204, await answer.text()


def recipient(channel: str) -> str:
    """An address that nobody else has."""
    number = uuid4().int % 10**8
    return f"{number:08}@people.example" if channel == "email" else f"+49151{number:08}"


def seconds_between(later: str, earlier: str) -> float:
    """Of two times in RFC 3339."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
