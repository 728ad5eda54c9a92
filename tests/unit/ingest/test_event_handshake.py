"""The handshake of CloudEvents webhooks: granted to the origins of the setting, and to no other."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from services.ingest.event_handshake import handshake_routes, parse_hook_origins
from shared.http.problems import install_problems
from tests.support.asgi import AsgiAnswer, call_app


def asked(allowed: str, origin: str | None) -> AsgiAnswer:
    api = FastAPI()
    install_problems(api)
    api.include_router(handshake_routes(parse_hook_origins(allowed)))
    headers = {} if origin is None else {"WebHook-Request-Origin": origin, "WebHook-Request-Rate": "120"}
    return call_app(api, "OPTIONS", "/v1/events", headers=headers)


@pytest.mark.parametrize("allowed", ["eventgrid.azure.net", " other.example , EventGrid.azure.net,", "*"])
def test_an_allowed_origin_is_granted(allowed: str) -> None:
    answer = asked(allowed, "eventgrid.azure.net")
    assert answer.status == 200
    assert answer.headers["webhook-allowed-origin"] == "eventgrid.azure.net"
    assert answer.headers["webhook-allowed-rate"] == "*"
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize("allowed", ["", "azure.net", "other.example"])
def test_another_is_not(allowed: str) -> None:
    answer = asked(allowed, "eventgrid.azure.net")
    assert (answer.status, answer.json()["code"]) == (403, "origin_not_allowed")
    assert "webhook-allowed-origin" not in answer.headers


def test_who_only_asks_for_the_methods_is_told() -> None:
    answer = asked("", None)
    assert (answer.status, answer.headers["allow"]) == (204, "POST, OPTIONS")
    assert "webhook-allowed-origin" not in answer.headers
