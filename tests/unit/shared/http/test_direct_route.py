"""Direct routes answer as the same routes behind FastAPI's routing do; whatever is not theirs goes the usual way."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import orjson
import pytest
from fastapi import APIRouter, FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.http.direct_route import DirectRoute, install_direct_routes
from shared.http.problems import Problem, install_problems
from shared.model.errors import Invalid, MongoUnavailable

FAULTS: dict[str, Exception] = {
    "problem": Problem(409, "taken", "it is taken", fix="Wait.", headers={"Retry-After": "1"}),
    "invalid": Invalid("invalid_x", "x is wrong", "/x"),
    "unavailable": MongoUnavailable("away"),
    "http": HTTPException(418, "a teapot"),
    "bug": RuntimeError("a bug"),
}
Answer = tuple[int, dict[bytes, bytes], Any]


class _Marked:
    """Counts what passes it."""

    passed = 0

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _Marked.passed += 1
        await self._app(scope, receive, send)


def make(*, direct: bool) -> FastAPI:
    """An app with a direct route, one with a parameter, and the problems of ours."""
    app = FastAPI()
    install_problems(app)
    routes = APIRouter(prefix="/v1", route_class=DirectRoute)

    @routes.post("/things", status_code=202)
    async def things(request: Request) -> Response:
        if (fault := FAULTS.get(request.headers.get("fault", ""))) is not None:
            raise fault
        return Response(await request.body(), 202, headers={"seen": str(request.app is app)})

    @routes.get("/things/{name}")
    async def thing(request: Request) -> Response:
        return Response(request.path_params["name"])

    if direct:
        install_direct_routes(app, routes, around=_Marked)
    app.include_router(routes)
    return app


async def call(app: FastAPI, method: str, path: str, *headers: tuple[bytes, bytes]) -> Answer:
    """What the app answers; a bug is raised again behind its answer, as servers expect it."""
    sent: list[dict[str, Any]] = []
    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
             "root_path": "", "scheme": "http", "http_version": "1.1", "server": ("test", 80),
             "headers": [(b"x-request-id", b"1"), *headers]}  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"body", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    with suppress(RuntimeError):
        await app(scope, receive, send)
    start, *parts = sent
    raw = b"".join(part["body"] for part in parts)
    return start["status"], dict(start["headers"]), orjson.loads(raw) if raw.startswith(b"{") else raw


@pytest.mark.parametrize("fault", ["", *FAULTS])
async def test_the_answer_is_that_of_the_usual_way(fault: str) -> None:
    given = (b"fault", fault.encode())
    usual, direct = [await call(make(direct=way), "POST", "/v1/things", given) for way in (False, True)]
    assert direct == usual
    assert direct[0] == {"": 202, "problem": 409, "invalid": 422, "unavailable": 503, "http": 418, "bug": 500}[fault]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/things", 405),
        ("GET", "/v1/things/a", 200),
        ("POST", "/v1/others", 404),
        ("GET", "/openapi.json", 200),
    ],
)
async def test_what_is_not_direct_goes_the_usual_way(method: str, path: str, status: int) -> None:
    usual, direct = [await call(make(direct=way), method, path) for way in (False, True)]
    assert direct == usual
    assert direct[0] == status


async def test_what_is_to_stand_around_them_does_and_what_raises_is_answered_within_it() -> None:
    _Marked.passed = 0
    app = make(direct=True)
    assert (await call(app, "POST", "/v1/things"))[0] == 202
    assert (await call(app, "POST", "/v1/things", (b"fault", b"bug")))[0] == 500
    await call(app, "GET", "/v1/things/a")
    assert _Marked.passed == 2


async def test_a_direct_call_does_not_pass_the_router() -> None:
    app = make(direct=True)

    async def refuse(*_: Any) -> None:
        raise AssertionError("the router was asked")

    app.build_middleware_stack()
    app.router.middleware_stack = refuse
    assert (await call(app, "POST", "/v1/things"))[0] == 202
    with pytest.raises(AssertionError, match="the router"):
        await call(app, "GET", "/v1/things/a")
