"""What the page's server says when no other service is there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from fastapi import FastAPI

from carillon.client import AsyncClient
from sandbox.free_ports import free_ports
from sandbox.playground.app import create_app
from sandbox.playground.gateway import ComponentState, component_state
from sandbox.ports import Ports
from sandbox.stack import new_stack
from tests.support.asgi import ask_app

NOBODY = free_ports(1)[0]
STACK = replace(new_stack(Ports(ingest=NOBODY, gateway=NOBODY, console=NOBODY)), api_key="ck_1")
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
    ("method", "path", "body"),
    [
        ("GET", "/api/stage", b""),
        ("GET", "/api/timelines?id=n-1", b""),
        ("POST", "/api/notifications", b'{"workflow": "w", "to": ["ada"]}'),
    ],
)
async def test_a_service_that_does_not_answer_is_said(app: FastAPI, method: str, path: str, body: bytes) -> None:
    answer = await ask_app(app, method, path, headers=OWN, body=body)
    assert (answer.status, answer.json()["code"]) == (503, "temporarily_unavailable")


async def test_a_gateway_that_does_not_answer_has_no_component_yet(http: aiohttp.ClientSession) -> None:
    assert await component_state(http, STACK.urls["gateway"]) is ComponentState.UNREACHABLE
