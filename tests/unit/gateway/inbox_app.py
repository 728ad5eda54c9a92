"""The inbox API over twins, as one user or another calls it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import orjson
from fastapi import FastAPI, Request

from services.gateway.inbox.api import inbox_routes
from services.gateway.inbox.bulk_api import bulk_routes
from services.gateway.inbox.changes import Changes
from services.gateway.inbox.snooze_api import snooze_routes
from shared.catalog.cache import Catalog
from shared.http.problems import install_problems
from shared.model import inbox
from shared.model.inbox import InboxEvent
from shared.model.topics import Topics
from shared.model.users import User
from tests.support.asgi import AsgiAnswer, ask_app
from tests.support.twins.inbox_store import MemoryInboxStore
from tests.support.twins.publisher import MemoryPublisher

API = "/api/v1/notifications"
TOPICS = Topics("t")


async def _said(request: Request) -> User:
    tenant, _, name = request.headers.get("x-who", "default:ann").partition(":")
    return User(tenant=tenant, id=name, expires_at=1e12)


class InboxApp:
    """Whoever `who` names is believed: `tenant:user`."""

    def __init__(self) -> None:
        self.store = MemoryInboxStore()
        self.log = MemoryPublisher()
        catalog = Catalog(SimpleNamespace(workflows=None))
        parts: tuple[Any, ...] = (self.store, Changes(self.store, self.log, TOPICS, catalog), catalog, _said)
        self.app = FastAPI()
        install_problems(self.app, repeat_status_as="status_code")
        self.app.include_router(bulk_routes(*parts))
        self.app.include_router(snooze_routes(parts[1], _said))
        self.app.include_router(inbox_routes(*parts))

    async def ask(
        self, method: str, path: str, body: object = None, *, who: str = "default:ann", **headers: str
    ) -> tuple[int, Any]:
        """Status and decoded body; bytes are sent as they are."""
        answer = await self.answer(method, path, body, who=who, **headers)
        return answer.status, answer.json()

    async def answer(
        self, method: str, path: str, body: object = None, *, who: str = "default:ann", **headers: str
    ) -> AsgiAnswer:
        raw = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        return await ask_app(self.app, method, f"{API}{path}", headers={"x-who": who, **headers}, body=raw)

    @property
    def told(self) -> list[InboxEvent]:
        """What the sockets of all devices are told."""
        return [inbox.decode(record.value or b"") for record in self.log.on(TOPICS.inbox)]
