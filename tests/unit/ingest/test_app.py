"""The wiring of ingest: nothing that a call holds outlives its answer, whichever way the call takes through the app."""

from __future__ import annotations

from typing import Any

import pytest

from services.ingest import app as ingest
from services.ingest.settings import IngestSettings
from shared.http.work_limits import WorkLimits
from shared.model.tenants import TenantSettings
from shared.mongo.api_keys import Principal, Scope
from tests.support.asgi import call_app
from tests.unit.ingest.scenes import no_database


class Keys:
    """Everybody may do everything."""

    def __init__(self, _: object) -> None: ...

    async def principal(self, _: str) -> Principal:
        return Principal(key_id="k", tenant="acme", scopes=frozenset(Scope))


async def nothing_is_set(*_: object) -> dict[str, TenantSettings]:
    """No tenant has settings."""
    return {}


@pytest.mark.parametrize("path", ["/v1/notifications", "/v1/notifications/", "/v1/notifications/cancel", "/v1/events"])
def test_a_call_that_is_answered_holds_nothing(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[WorkLimits] = []

    def noted(**bounds: int) -> WorkLimits:
        made.append(WorkLimits(**bounds))
        return made[-1]

    monkeypatch.setattr(ingest, "WorkLimits", noted)
    monkeypatch.setattr(ingest, "ApiKeys", Keys)
    monkeypatch.setattr(ingest, "read_tenants", nothing_is_set)
    nothing: Any = no_database()
    nobody: Any = None
    settings = IngestSettings(webhook_secret="a-master-secret-of-32-characters", requests_per_key=1)
    api = ingest.create_app(settings, database=nothing, catalog=nobody, kafka=nobody, outbox=nobody)
    sent = {"authorization": "Bearer k", "content-type": "application/json", "content-length": "1"}
    for _ in range(3):
        answer = call_app(api, "POST", path, headers=sent, body=b"{")
        assert (answer.status, answer.json()["code"]) == (400, "invalid_json")
    assert made[0].held == 0
