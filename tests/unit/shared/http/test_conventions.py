from __future__ import annotations

import pytest
from fastapi import FastAPI
from uvicorn.server import ServerState

from shared.http.conventions import HttpConventions
from shared.http.problems import install_problems
from shared.http.server import NOT_HERE, server_config
from tests.support.asgi import call_app


@pytest.fixture
def app() -> FastAPI:
    api = FastAPI(redirect_slashes=False)
    install_problems(api)
    api.add_middleware(HttpConventions)

    @api.get("/items/{name}")
    async def items(name: str, only: str = "") -> dict[str, str]:
        return {"name": name, "only": only}

    @api.put("/items/{name}")
    async def put(name: str) -> dict[str, str]:
        return {"put": name}

    return api


def test_head_is_get_without_its_body(app: FastAPI) -> None:
    get, head = call_app(app, "GET", "/items/a"), call_app(app, "HEAD", "/items/a")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"] == str(len(get.body))
    assert call_app(app, "HEAD", "/nowhere").status == 404
    assert call_app(app, "HEAD", "/nowhere").body == b""


def test_a_slash_at_the_end_is_the_same_path(app: FastAPI) -> None:
    assert call_app(app, "GET", "/items/a/").json() == {"name": "a", "only": ""}
    assert call_app(app, "PUT", "/items/a/").json() == {"put": "a"}
    assert call_app(app, "GET", "/").status == 404


@pytest.mark.parametrize(
    "target", ["/items/%FF", "/items/%FE", "/items/%C3%28", "/items/%ED%A0%80", "/items/a?only=%FF"]
)
def test_what_is_not_utf8_is_refused(app: FastAPI, target: str) -> None:
    answer = call_app(app, "GET", target)
    assert (answer.status, answer.json()["code"]) == (400, "invalid_path")
    assert answer.headers["content-type"] == "application/problem+json"


def test_what_is_utf8_passes(app: FastAPI) -> None:
    assert call_app(app, "GET", "/items/%C3%A4%F0%9F%94%94?only=%E2%82%AC").json() == {"name": "ä🔔", "only": "€"}


def test_an_idle_connection_outlives_that_of_a_load_balancer() -> None:
    assert server_config(FastAPI(), host="127.0.0.1", port=0, drain_seconds=1).timeout_keep_alive > 60


async def test_who_asks_the_wrong_port_for_a_websocket_is_no_reason_to_install_a_library(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Both lines are uvicorn's own, and its server's loop is what says them."""
    config = server_config(FastAPI(), host="127.0.0.1", port=0, drain_seconds=1)
    config.load()
    protocol = config.http_protocol_class(config, ServerState(), {})  # type: ignore[call-arg, arg-type]
    with caplog.at_level("WARNING", logger="uvicorn.error"):
        protocol._unsupported_upgrade_warning()  # type: ignore[union-attr]
    assert caplog.messages == [NOT_HERE]
