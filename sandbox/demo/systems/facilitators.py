"""The facilitator service by Socket.IO: a booking for somebody who is away, one for somebody who is there, and a read."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any, Final

import socketio

from sandbox.demo.systems.scene import PATIENCE, NotSeen, Scene
from shared.process.clock import now_ms

HEARD: Final = ("backend_auth_success", "notification_stored", "notification_delivered", "notification_error",
                "facilitator_auth_success", "new_booking_notification", "notification_marked_read", "auth_error", "error")  # fmt: skip


class Talker:
    """A Socket.IO client that keeps what it hears."""

    def __init__(self) -> None:
        self._client = socketio.AsyncClient()
        self._heard: dict[str, asyncio.Queue[Any]] = {name: asyncio.Queue() for name in HEARD}
        for name, queue in self._heard.items():
            self._client.on(name, queue.put_nowait)

    async def connect(self, url: str, stack: AsyncExitStack) -> None:
        """Until the stack is left."""
        await self._client.connect(url)
        stack.push_async_callback(self._client.disconnect)

    async def say(self, name: str, data: object) -> None:
        """Emits an event."""
        await self._client.emit(name, data)

    async def hear(self, name: str) -> dict[str, Any]:
        """The next event of that name. Raises NotSeen."""
        try:
            async with asyncio.timeout(PATIENCE):
                return dict(await self._heard[name].get())
        except TimeoutError as error:
            raise NotSeen(f"not within {PATIENCE:.0f} seconds: the event {name}") from error


async def play(scene: Scene) -> None:
    """Raises NotSeen, and what the clients do."""
    facilitator = int(scene.run, 16)
    url = scene.stack.urls["socketio"]
    async with AsyncExitStack() as stack:
        backend, page = Talker(), Talker()
        with scene.steps.step("the backend: backend_connect"):
            await scene.carillon.put_user(str(facilitator), {"name": "Grace"})
            await backend.connect(url, stack)
            await backend.say("backend_connect", {"token": scene.stack.api_key})
            await backend.hear("backend_auth_success")
        with scene.steps.step("a booking for somebody who is away") as step:
            await backend.say("booking_notification", _booking(facilitator, 1, "Jane Smith"))
            step.detail = _said("notification_stored", await backend.hear("notification_stored"))
            scene.note("backend", "-", step.detail)
        with scene.steps.step("facilitator_connect: what is pending comes"):
            await page.connect(url, stack)
            await page.say(
                "facilitator_connect", {"facilitator_id": facilitator, "token": scene.token(str(facilitator))}
            )
            await page.hear("facilitator_auth_success")
            pending = await page.hear("new_booking_notification")
            scene.note("page", str(facilitator), pending["message"], now_ms())
        with scene.steps.step("a booking for somebody who is there") as step:
            await backend.say("booking_notification", _booking(facilitator, 2, "John Doe"))
            shown = await page.hear("new_booking_notification")
            scene.note("page", str(facilitator), shown["message"])
            step.detail = _said("notification_delivered", await backend.hear("notification_delivered"))
            scene.note("backend", "-", step.detail)
        with scene.steps.step("mark_notification_read") as step:
            about = {"facilitator_id": facilitator, "notification_id": pending["notification_id"]}
            await page.say("mark_notification_read", about)
            step.detail = _said("notification_marked_read", await page.hear("notification_marked_read"))
            scene.note("page", str(facilitator), step.detail)


def _booking(facilitator: int, number: int, guest: str) -> dict[str, Any]:
    return {
        "booking_id": facilitator * 10 + number,
        "user": {"id": 5, "name": guest, "email": "jane@example.com"},
        "session": {"id": 1, "title": "Morning Meditation", "start_time": "2024-01-15T09:00:00"},
        "facilitator_id": facilitator,
    }


def _said(name: str, data: dict[str, Any]) -> str:
    return f"{name} {', '.join(f'{key} {value}' for key, value in data.items() if key in _SHOWN)}".strip()


_SHOWN: Final = ("booking_id", "notification_id")
