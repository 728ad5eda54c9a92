"""Work orders (`catalog/workorders`), for a product of technicians and an office: say what happened, read one's inbox.

orders = WorkOrderNotifications(carillon)
await orders.handle_work_order_update("12", "in progress", issues="leak", alert_office=True)

async with WorkOrderInbox("https://gateway.example.com", token) as inbox:
    alerts = await inbox.get_active_alerts()
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlencode
from uuid import uuid4

import aiohttp

from carillon.answers import read_answer
from carillon.arguments import checked_address, checked_token, segment
from carillon.client import AsyncClient
from carillon.errors import ProblemError, UnreachableError

OFFICE: Final = "workorders:office"
"""The topic of those who work in the office."""
MESSAGE: Final = "workorders.message"
MAX_PAGE: Final = 100
_PRIORITIES: Final = {"low": 1, "normal": 1, "high": 2, "urgent": 3}
_WORDS: Final = {1: "normal", 2: "high", 3: "urgent"}


class WorkOrderNotificationType(StrEnum):
    """What somebody is notified of."""

    ISSUE_DETECTED = "issue_detected"
    OFFICE_ALERT = "office_alert"
    STATUS_UPDATE = "status_update"
    EQUIPMENT_ALERT = "equipment_alert"
    INVENTORY_ALERT = "inventory_alert"
    WORK_ORDER_UPDATE = "work_order_update"
    """What somebody wrote."""


_TYPES: Final = frozenset(each.value for each in WorkOrderNotificationType)


@dataclass(frozen=True, kw_only=True)
class WorkOrderNotification:
    """One of them, as `dashboard.notification.update` has it, too. `timestamp` is RFC 3339, `priority` 1, 2 or 3."""

    id: str
    type: WorkOrderNotificationType
    message: str
    timestamp: str
    priority: int
    metadata: Mapping[str, Any]
    read: bool


class WorkOrderNotifications:
    """Over a client whose key has the scopes `send`, and `users` to say who works on what. Raises what the client does.

    All are durable when they return.
    """

    def __init__(self, carillon: AsyncClient, *, source: str = "/work-orders") -> None:
        self._carillon = carillon
        self._source = source

    async def join_office(self, *users: str) -> None:
        """They get what is for the office, from now on."""
        await self._carillon.subscribe(OFFICE, users)

    async def leave_office(self, *users: str) -> None:
        """They get nothing more of it."""
        await self._carillon.unsubscribe(OFFICE, users)

    async def assign(self, work_order_id: str | int, *technicians: str) -> None:
        """They are told of its updates, from now on."""
        await self._carillon.subscribe(_topic(work_order_id), technicians)

    async def unassign(self, work_order_id: str | int, *technicians: str) -> None:
        """They are told nothing more of it."""
        await self._carillon.unsubscribe(_topic(work_order_id), technicians)

    async def handle_work_order_update(
        self,
        work_order_id: str | int,
        status: str,
        notes: str | None = None,
        issues: str | None = None,
        alert_office: bool = False,  # as the product had it
    ) -> str:
        """The office and its technicians are told of the status, and of issues if there are some; the office is alerted.

        Returns the event's id.
        """
        data = {
            "work_order_id": work_order_id,
            "status": status,
            "notes": notes,
            "issues": issues,
            "alert_office": alert_office,
        }
        return await self._happened("work_order.updated", _subject(work_order_id), data)

    async def send_equipment_alert(self, equipment_id: str | int, message: str) -> str:
        """To the office. Returns the event's id."""
        data = {"equipment_id": equipment_id, "message": message}
        return await self._happened("equipment.alert_raised", f"equipment/{equipment_id}", data)

    async def send_inventory_alert(self, item_id: str | int, message: str) -> str:
        """To the office. Returns the event's id."""
        data = {"item_id": item_id, "message": message}
        return await self._happened("inventory.alert_raised", f"inventory/{item_id}", data)

    async def send_manual_notification(
        self, technician: str, message: str, priority: str | int = "normal", *, work_order_id: str | int | None = None
    ) -> str:
        """To one technician; `priority`: low, normal, high, urgent, or 1, 2, 3. Returns the notification's id."""
        data: dict[str, str | int] = {"message": message}
        if work_order_id is not None:
            data["work_order_id"] = work_order_id
        subject = None if work_order_id is None else _subject(work_order_id)
        answer = await self._carillon.notify(
            MESSAGE, [technician], data=data, priority=_word(priority), subject=subject
        )
        return str(answer["notifications"][0]["id"])

    async def broadcast(self, message: str, priority: str | int = "normal") -> str:
        """To all users, connected or not. Returns the fan-out's id: `carillon.fanout(id)` says how far it is."""
        everybody = {"users": "all"}
        answer = await self._carillon.notify(MESSAGE, everybody, data={"message": message}, priority=_word(priority))
        return str(answer["fanouts"][0])

    async def _happened(self, event_type: str, subject: str, data: Mapping[str, Any]) -> str:
        """What has one subject stays in order."""
        event = {"id": str(uuid4()), "source": self._source, "type": event_type, "subject": subject, "data": data}
        answer = await self._carillon.send_events([event])
        return str(answer["ids"][0])


class WorkOrderInbox:
    """One user's notifications, read with their token. A context manager; raises ProblemError and UnreachableError."""

    def __init__(self, gateway_url: str, token: str, *, timeout: float = 10.0) -> None:
        """`timeout` in seconds. Raises ValueError for what is no address."""
        self._url = f"{checked_address(gateway_url)}/api/v1/notifications"
        self._headers = {"Authorization": f"Bearer {checked_token(token)}"}
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=self._timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def get_unread_count(self) -> int:
        """How many the user has not read: the `unread_count` of the frames."""
        return int((await self._call("GET", "/count"))["unread"])

    async def mark_as_read(self, notification_id: str) -> bool:
        """All sockets of the user are told. False: the user has no such notification."""
        try:
            await self._call("PUT", f"/{segment('notification', notification_id)}/read")
        except ProblemError as problem:
            if problem.status == 404:
                return False
            raise
        return True

    async def get_active_alerts(self, of_type: WorkOrderNotificationType | None = None) -> list[WorkOrderNotification]:
        """What the user has not read, newest first, MAX_PAGE at most: an alert is active until somebody has read it."""
        asked = {"unread_only": "true", "category": "workorders", "limit": str(MAX_PAGE)}
        if of_type is not None:
            asked["notification_type"] = WorkOrderNotificationType(of_type)
        page = await self._call("GET", f"?{urlencode(asked)}")
        return [_read(each) for each in page["notifications"] if each["notification_type"] in _TYPES]

    async def _call(self, method: str, path: str) -> dict[str, Any]:
        if self._session is None:
            raise RuntimeError("use the inbox as a context manager: async with WorkOrderInbox(…) as inbox")
        try:
            async with self._session.request(method, self._url + path, allow_redirects=False) as answer:
                return read_answer(f"{method} {self._url}", answer.status, answer.headers, await answer.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise UnreachableError(f"{method} {self._url} got no answer: {type(error).__name__}") from error


def _topic(work_order_id: str | int) -> str:
    return f"work-order:{work_order_id}"


def _subject(work_order_id: str | int) -> str:
    return f"work-order/{work_order_id}"


def _word(priority: str | int) -> str:
    word = _WORDS.get(priority, "") if isinstance(priority, int) and not isinstance(priority, bool) else priority
    if word not in _PRIORITIES:
        raise ValueError(f"{priority!r} is no priority: one of {', '.join(_PRIORITIES)}, or 1, 2, 3")
    return str(word)


def _read(shown: Mapping[str, Any]) -> WorkOrderNotification:
    return WorkOrderNotification(
        id=shown["id"],
        type=WorkOrderNotificationType(shown["notification_type"]),
        message="\n".join(part for part in (shown["title"], shown["body"]) if part),
        timestamp=shown["created_at"],
        priority=_PRIORITIES.get(shown["priority"], 1),
        metadata=shown["content"] or {},
        read=shown["is_read"],
    )
