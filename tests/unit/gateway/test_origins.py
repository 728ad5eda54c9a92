from __future__ import annotations

import pytest
from fastapi import FastAPI
from pydantic import ValidationError
from starlette.types import ASGIApp
from structlog.testing import capture_logs

from services.gateway.cors import InboxCors
from services.gateway.origins import Origins, parse_origins
from services.gateway.settings import GatewaySettings
from shared.http.problems import install_problems
from tests.support.asgi import AsgiAnswer, call_app

GOOD = "https://app.example.com"


@pytest.fixture
def api() -> ASGIApp:
    app = FastAPI()
    install_problems(app)

    @app.get("/items")
    async def items(fail: bool = False) -> list[str]:
        return [str(1 // (not fail))]

    return InboxCors(app, Origins([GOOD]))


def preflight(
    api: ASGIApp, origin: str, *, method: str = "PUT", headers: str = "authorization,content-type"
) -> AsgiAnswer:
    asked = {"origin": origin, "access-control-request-method": method, "access-control-request-headers": headers}
    return call_app(api, "OPTIONS", "/items", headers=asked)


def test_a_page_of_an_allowed_origin_may_ask_and_call(api):
    answer = preflight(api, GOOD)
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == GOOD
    assert "PUT" in answer.headers["access-control-allow-methods"]
    assert "authorization" in answer.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in answer.headers
    answer = call_app(api, "GET", "/items", headers={"origin": GOOD})
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, GOOD)
    assert answer.headers["vary"] == "Origin"
    assert "Retry-After" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/items?fail=true", 500), ("/items?fail=x", 422)])
def test_a_page_can_read_a_refusal(api, path, status):
    answer = call_app(api, "GET", path, headers={"origin": GOOD})
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (status, GOOD)
    assert answer.json()["fix"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"{GOOD}.evil.example", f"{GOOD}:8443", ""])
def test_a_page_of_another_origin_may_not(api, origin):
    answer = preflight(api, origin)
    assert (answer.status, answer.json()["code"]) == (403, "origin_not_allowed")
    assert "CARILLON_ORIGINS" in answer.json()["fix"]
    assert "access-control-allow-origin" not in answer.headers
    assert "access-control-allow-origin" not in call_app(api, "GET", "/items", headers={"origin": origin}).headers


def test_what_a_page_may_not_send_is_named(api):
    assert preflight(api, GOOD, method="PATCH").json()["detail"] == "Disallowed CORS method"
    assert preflight(api, GOOD, headers="x-secret").json()["detail"] == "Disallowed CORS headers"


def test_a_refused_origin_is_logged_once_with_what_to_do():
    origins = Origins([GOOD])
    with capture_logs() as logs:
        assert [origins.allows(origin) for origin in (GOOD, "null", "http://a.example", "null")] == [True, *[False] * 3]
    assert [(entry["event"], entry["origin"]) for entry in logs] == [
        ("origin_rejected", "null"),
        ("origin_rejected", "http://a.example"),
    ]
    assert "CARILLON_ORIGINS" in logs[0]["next"]
    with capture_logs() as logs:
        for number in range(1_000):
            origins.allows(f"http://{number}.example")
    assert len(logs) < 100


def test_origins_are_what_browsers_send():
    written = "https://App.example.com/, http://a.example:80,https://b.example:443, https://c.example:8443,capacitor://localhost,"
    assert parse_origins(written) == (
        GOOD,
        "http://a.example",
        "https://b.example",
        "https://c.example:8443",
        "capacitor://localhost",
    )


def test_a_host_with_other_letters_is_compared_as_browsers_send_it():
    """Their Origin header has A-labels: a setting in letters would allow nobody and say nothing."""
    assert parse_origins("https://München.example,http://grün.example:80,https://пример.example:8443") == (
        "https://xn--mnchen-3ya.example",
        "http://xn--grn-ioa.example",
        "https://xn--e1afmkfd.example:8443",
    )


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "https://a\u2024b\u0338.example",
        "app.example.com",
        "https://*.example.com",
        "https://a.example/app",
        "null",
    ],
)
def test_what_is_no_origin_is_refused_at_start(text):
    with pytest.raises(ValidationError, match="no origin"):
        GatewaySettings(token_secret="s" * 32, origins=text)
