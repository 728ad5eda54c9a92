"""The suppression list as producers reach it: the app of ingest over a real MongoDB, and a log in memory."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import orjson
from fastapi import FastAPI

from services.ingest.app import create_app
from services.ingest.settings import IngestSettings
from shared.model.records import decode_record
from shared.mongo import api_keys
from shared.mongo.api_keys import Scope
from shared.mongo.database import Database
from tests.support.asgi import AsgiAnswer, ask_app
from tests.support.twins.publisher import MemoryPublisher

PATH = "/v1/suppressions"


class Api:
    """The app, and keys of two tenants."""

    def __init__(self, database: Database) -> None:
        self.log = MemoryPublisher()
        self.database = database
        no_catalog: Any = SimpleNamespace(newest=None)
        kafka: Any = self.log
        self.app: FastAPI = create_app(
            IngestSettings(webhook_secret="master-secret-of-webhooks"),
            database=database, catalog=no_catalog, kafka=kafka, outbox=kafka,
        )  # fmt: skip
        self.keys: dict[str, str] = {}

    async def start(self) -> None:
        for tenant in ("acme", "other"):
            scopes = frozenset({Scope.USERS})
            self.keys[tenant] = await api_keys.create(self.database, tenant=tenant, scopes=scopes, name="t")
        self.keys["sender"] = await api_keys.create(
            self.database, tenant="acme", scopes=frozenset({Scope.SEND}), name="s"
        )

    async def ask(self, method: str, value: Any, *, key: str = "acme") -> AsgiAnswer:
        headers = {"authorization": f"Bearer {self.keys[key]}"}
        if method == "PUT":
            headers["content-type"] = "application/json"
            return await ask_app(self.app, method, PATH, headers=headers, body=orjson.dumps(value))
        return await ask_app(self.app, method, f"{PATH}?{urlencode(value)}", headers=headers)

    async def lift(self, value: Any, *, key: str = "acme") -> AsgiAnswer:
        headers = {"authorization": f"Bearer {self.keys[key]}", "content-type": "application/json"}
        return await ask_app(self.app, "POST", f"{PATH}/lift", headers=headers, body=orjson.dumps(value))

    async def entries(self, value: Any, *, key: str = "acme") -> list[tuple[str, str | None]]:
        answer = await self.ask("GET", value, key=key)
        assert answer.status == 200
        return sorted((entry["reason"], entry["category"]) for entry in answer.json()["entries"])

    def told(self) -> list[tuple[str, str]]:
        """Tenant and user of each record that was written."""
        return [(found.tenant, found.user) for found in (decode_record(output.value) for output in self.log.written)]
