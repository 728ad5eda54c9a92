"""Who may ask the page's server, and what it refuses; no other service is there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from fastapi import FastAPI
from starlette.datastructures import Headers

from carillon.client import AsyncClient
from sandbox.playground.app import create_app
from sandbox.playground.loopback import is_own
from sandbox.ports import Ports
from sandbox.stack import new_stack
from shared.http.tokens import verify
from tests.support.asgi import ask_app

STACK = replace(new_stack(Ports(ingest=1, gateway=1, console=1)), api_key="ck_1")
OWN = {"host": "127.0.0.1:8088"}


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def app(http: aiohttp.ClientSession, tmp_path: Path) -> AsyncIterator[FastAPI]:
    async with AsyncClient(STACK.urls["ingest"], "ck_1", patience=0.1) as carillon:
        yield create_app(STACK, tmp_path, carillon, http)


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        (OWN, True),
        ({"host": "localhost:9088", "origin": "http://localhost:9088"}, True),
        ({"host": "rebound.example:8088"}, False),
        ({"host": "rebound.example:8088", "origin": "http://rebound.example:8088"}, False),
        ({"host": "127.0.0.1:8088", "origin": "https://elsewhere.example"}, False),
        ({"host": "127.0.0.1:8088", "origin": "http://127.0.0.1:8083"}, False),
        ({"host": "127.0.0.1:8088", "origin": "http://localhost:8088"}, False),
        ({"host": "127.0.0.1:8088", "origin": "null"}, False),
        ({"host": "127.0.0.1.example:8088"}, False),
        ({}, False),
    ],
)
def test_only_its_own_page_may_ask(headers: dict[str, str], own: bool) -> None:
    assert is_own(Headers(headers)) is own


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/api/tokens/ada"), ("POST", "/api/gateway/kill"), ("GET", "/nothing")]
)
async def test_a_page_of_another_origin_gets_nothing(app: FastAPI, method: str, path: str) -> None:
    answer = await ask_app(app, method, path, headers=OWN | {"origin": "https://elsewhere.example"})
    assert (answer.status, answer.json()["code"]) == (403, "origin_not_allowed")


async def test_the_page_is_served_with_its_policy(app: FastAPI) -> None:
    page = await ask_app(app, "GET", "/", headers=OWN)
    assert page.status == 200
    assert page.headers["content-security-policy"].startswith(
        "default-src 'none'; script-src 'self' http://127.0.0.1:1;"
    )
    script = await ask_app(app, "GET", "/page/main.js", headers=OWN)
    assert (script.status, script.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    for missing in ("/page/settings.py", "/page/..%2Fpeople.yaml", "/people.yaml"):
        assert (await ask_app(app, "GET", missing, headers=OWN)).status == 404


async def test_a_token_is_for_who_has_a_phone(app: FastAPI) -> None:
    answer = await ask_app(app, "GET", "/api/tokens/ada", headers=OWN)
    assert verify(STACK.token_secret, answer.body.decode()).id == "ada"
    assert answer.headers["cache-control"] == "no-store"
    assert (await ask_app(app, "GET", "/api/tokens/ana", headers=OWN)).status == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"workflow": "w"}',
        b'{"workflow": "w", "to": []}',
        b'{"workflow": "w", "to": ["ada"], "in_seconds": -1}',
    ],
)
async def test_what_is_no_order_is_refused(app: FastAPI, body: bytes) -> None:
    answer = await ask_app(app, "POST", "/api/notifications", headers=OWN, body=body)
    assert (answer.status, answer.json()["code"]) == (422, "invalid_request")


async def test_nobody_kills_a_gateway_that_nobody_supervises(app: FastAPI) -> None:
    assert (await ask_app(app, "POST", "/api/gateway/kill", headers=OWN)).status == 503


def test_the_gateway_lets_the_page_in() -> None:
    allowed = new_stack(Ports()).environment()["CARILLON_ORIGINS"].split(",")
    assert {"http://127.0.0.1:8088", "http://localhost:8088"} <= set(allowed)
