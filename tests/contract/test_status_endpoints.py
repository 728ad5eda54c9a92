"""Endpoints of statuses over the producers' API and in MongoDB."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from services.ingest.app import create_app
from services.ingest.settings import IngestSettings
from shared.model.channels import Channel
from shared.model.ids import endpoint_id
from shared.model.provider_accounts import disabled, unknown
from shared.model.status_endpoints import MAX_ENDPOINTS
from shared.model.webhook_secrets import secret
from shared.mongo import api_keys
from shared.mongo.api_keys import Scope
from shared.mongo.database import Database
from shared.mongo.provider_accounts import ProviderAccounts
from shared.mongo.status_endpoints import StatusEndpoints
from tests.support import samples as a
from tests.support.asgi import AsgiAnswer, ask_app
from tests.support.twins.publisher import MemoryPublisher

pytestmark = pytest.mark.real
MASTER = "master-secret-of-webhooks"
URL = "https://example.com/statuses"
BODY = {"url": URL, "events": ["carillon.delivery.*"]}


class Api:
    def __init__(self, database: Database) -> None:
        kafka: Any = MemoryPublisher()
        self.app = create_app(
            IngestSettings(webhook_secret=MASTER),
            database=database, catalog=SimpleNamespace(newest=None), kafka=kafka, outbox=kafka,  # type: ignore[arg-type]
        )  # fmt: skip
        self.keys: dict[str, str] = {}

    async def ask(self, method: str, name: str = "", body: Any = None, *, key: str = "acme") -> AsgiAnswer:
        headers = {"authorization": f"Bearer {self.keys[key]}", "content-type": "application/json"}
        path = "/v1/status-endpoints" + (f"/{name}" if name else "")
        return await ask_app(self.app, method, path, headers=headers, body=orjson.dumps(body) if body else b"")

    async def listed(self, key: str = "acme") -> list[dict[str, Any]]:
        answer = await self.ask("GET", key=key)
        assert answer.status == 200
        found: list[dict[str, Any]] = orjson.loads(answer.body)["endpoints"]
        return found


@pytest.fixture
async def api(database: Database) -> Api:
    made = Api(database)
    for key, tenant, scope in (
        ("acme", "acme", Scope.ADMIN),
        ("other", "other", Scope.ADMIN),
        ("send", "acme", Scope.SEND),
    ):
        made.keys[key] = await api_keys.create(database, tenant=tenant, scopes=frozenset({scope}), name=key)
    return made


async def test_one_is_put_listed_replaced_and_deleted(api: Api, database: Database) -> None:
    answer = await api.ask("PUT", "billing", BODY)
    assert answer.status == 200
    stored = orjson.loads(answer.body)
    assert (stored["id"], stored["secret"]) == ("billing", secret(MASTER, "acme", URL))
    changed = {**BODY, "events": ["carillon.inbox.read"]}
    assert (await api.ask("PUT", "billing", changed)).status == 200
    assert [(one["id"], one["events"]) for one in await api.listed()] == [("billing", ["carillon.inbox.read"])]
    assert list(await StatusEndpoints(database).of_all(["acme", "other"])) == ["acme"]
    assert await StatusEndpoints(database).of_all(["other"]) == {}
    assert (await api.ask("DELETE", "billing")).status == 204
    assert (await api.ask("DELETE", "billing")).status == 404
    assert await api.listed() == []


async def test_another_tenant_sees_and_deletes_nothing(api: Api) -> None:
    await api.ask("PUT", "billing", BODY)
    assert await api.listed("other") == []
    assert (await api.ask("DELETE", "billing", key="other")).status == 404
    assert (await api.ask("GET", key="send")).status == 403


@pytest.mark.parametrize(
    "body",
    [
        {"url": "ftp://example.com", "events": ["carillon.*"]},
        {"url": URL, "events": []},
        {"url": URL, "events": ["orders.*"]},
        {"url": URL},
        {"url": URL, "events": ["carillon.*"], "more": 1},
    ],
)
async def test_what_makes_no_sense_is_refused(api: Api, body: Any) -> None:
    assert (await api.ask("PUT", "billing", body)).status == 422


async def test_a_tenant_has_so_many(api: Api) -> None:
    for number in range(MAX_ENDPOINTS):
        assert (await api.ask("PUT", f"e{number}", BODY)).status == 200
    refused = await api.ask("PUT", "more", BODY)
    assert (refused.status, orjson.loads(refused.body)["code"]) == (409, "too_many_endpoints")
    assert (await api.ask("PUT", "e0", BODY)).status == 200, "it replaces one"


async def test_one_that_was_disabled_is_called_again_when_it_is_put(api: Api, database: Database) -> None:
    accounts, name = ProviderAccounts(database), endpoint_id("acme", URL)
    row = disabled(unknown(name, Channel.WEBHOOK, a.NOON), "d-1")
    assert row is not None
    await accounts.swap(None, row)
    await api.ask("PUT", "billing", BODY)
    assert await accounts.read([name]) == {}
