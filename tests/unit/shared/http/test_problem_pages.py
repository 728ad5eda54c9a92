"""The `type` of a problem leads somewhere, on every service."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi import FastAPI

from services.console.app import create_api as create_console
from services.gateway.app import create_api as create_gateway
from services.gateway.settings import GatewaySettings
from services.ingest.app import create_app as create_ingest
from services.ingest.settings import IngestSettings
from shared.http.problem_pages import problem_pages
from tests.support.asgi import call_app
from tests.unit.ingest.scenes import no_database

NOBODY = no_database()
SECRET = "a-secret-of-at-least-32-characters"


def ingest() -> FastAPI:
    return create_ingest(
        IngestSettings(webhook_secret=SECRET), database=NOBODY, catalog=NOBODY, kafka=NOBODY, outbox=NOBODY
    )


def console() -> FastAPI:
    return create_console(NOBODY)


def gateway() -> FastAPI:
    settings = GatewaySettings(token_secret=SECRET)
    return create_gateway(
        settings,
        NOBODY,
        components={},
        database=NOBODY,
        writer=NOBODY,
        catalog=NOBODY,
        store=NOBODY,
        changes=NOBODY,
        subscriptions=NOBODY,
        tickets=NOBODY,
    )


SERVICES = [ingest, console, gateway]


@pytest.mark.parametrize("service", SERVICES)
def test_a_problem_leads_to_its_page(service: Callable[[], FastAPI]) -> None:
    api = service()
    problem = call_app(api, "GET", "/no/such/path")
    assert (problem.status, problem.json()["code"]) == (404, "not_found")
    page = call_app(api, "GET", problem.json()["type"])
    assert (page.status, page.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert page.body.decode().startswith("## not_found\n")
    assert "**Fix.**" in page.body.decode()


def test_each_page_is_its_own_section() -> None:
    api = ingest()
    assert len(problem_pages()) > 40
    for code, page in problem_pages().items():
        assert call_app(api, "GET", f"/problems/{code}").body.decode() == page
        assert page.count("\n## ") == 0
    unknown = call_app(api, "GET", "/problems/no_such_code")
    assert (unknown.status, unknown.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("path", ["/problems/not_found", "/openapi.json"])
def test_head_is_answered_as_get_is(service: Callable[[], FastAPI], path: str) -> None:
    api = service()
    get, head = call_app(api, "GET", path), call_app(api, "HEAD", path)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"] == str(len(get.body))
