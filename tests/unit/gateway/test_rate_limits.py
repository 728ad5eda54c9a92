"""Every answer to a user who is known says how often they may still call; pages of allowed origins can read it."""

from __future__ import annotations

import re

import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.responses import Response

from services.gateway.core.limits import REQUEST_BURST, REQUESTS_PER_SECOND
from services.gateway.cors import InboxCors
from services.gateway.identity import request_identity
from services.gateway.origins import Origins, parse_origins
from services.gateway.rate_limits import RateLimitHeaders, UserRates
from shared.http.problems import Problem, install_problems
from shared.http.tokens import TokenVerifier, mint
from shared.model.lives import Life
from shared.model.users import User
from shared.process.clock import now_ms
from tests.support.asgi import AsgiAnswer, ask_app
from tests.unit.gateway.scenes import ANN

SECRET = "s" * 32
GOOD, BAD = "http://good.example", "http://bad.example"
POLICY = '"user";q=200;w=4'


def app() -> InboxCors:
    """Answers, and refuses, as the inbox API does."""

    async def lives(tenant: str, user: str) -> Life:
        return Life()

    api = FastAPI()
    api.add_middleware(RateLimitHeaders)
    install_problems(api, repeat_status_as="status_code")
    own = Depends(request_identity(TokenVerifier(secret=SECRET), lives))

    @api.get("/plain")
    async def plain(user: User = own) -> dict[str, str]:
        return {"user": user.id}

    @api.get("/whole")
    async def whole(user: User = own) -> Response:
        return Response(user.id)

    @api.get("/missing")
    async def missing(user: User = own) -> None:
        raise Problem(404, "not_found", user.id, fix="None.")

    return InboxCors(api, Origins(parse_origins(GOOD)))


async def ask(api: InboxCors, path: str, user: str | None = "ann", **headers: str) -> AsgiAnswer:
    token = mint(SECRET, tenant="default", user=user, now=now_ms() // 1000) if user else "junk"
    return await ask_app(api, "GET", path, headers={"authorization": f"Bearer {token}", **headers})


@pytest.mark.parametrize(("path", "status"), [("/plain", 200), ("/whole", 200), ("/missing", 404), ("/plain?x", 200)])
async def test_every_answer_to_one_who_is_known_has_them(path: str, status: int) -> None:
    api = app()
    for left in (199, 198):
        answer = await ask(api, path)
        assert answer.status == status
        assert answer.headers["ratelimit-policy"] == POLICY
        found = re.fullmatch(r'"user";r=(\d+);t=1', answer.headers["ratelimit"])
        assert found
        assert int(found[1]) in {left, left + 1}, "a fiftieth of a second gives one back"


async def test_a_stranger_is_told_nothing_of_it() -> None:
    answer = await ask(app(), "/plain", None)
    assert answer.status == 401
    assert not {"ratelimit", "ratelimit-policy"} & set(answer.headers)


async def test_a_refusal_says_that_there_is_none_left() -> None:
    api = app()
    for _ in range(2 * int(REQUEST_BURST)):
        answer = await ask(api, "/plain")
        if answer.status == 429:
            break
    assert (answer.status, answer.json()["status_code"], answer.headers["retry-after"]) == (429, 429, "1")
    assert (answer.headers["ratelimit-policy"], answer.headers["ratelimit"]) == (POLICY, '"user";r=0;t=4')
    assert (await ask(api, "/plain", "bob")).status == 200


def test_what_is_left_comes_back_with_time() -> None:
    rates = UserRates()

    def left(now: float) -> str:
        request = Request({"type": "http"})
        rates.take(request, ANN, now)
        return str(request.state.rate_limit["RateLimit"])

    assert [left(0.0) for _ in range(101)][-1] == '"user";r=99;t=3'
    assert left(50 / REQUESTS_PER_SECOND) == '"user";r=148;t=2'
    assert left(3_600.0) == '"user";r=199;t=1'


async def test_only_pages_of_allowed_origins_can_read_them() -> None:
    answer = await ask(app(), "/plain", origin=GOOD)
    shown = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert {"ratelimit", "ratelimit-policy", "retry-after"} <= shown
    assert "access-control-allow-origin" not in (await ask(app(), "/plain", origin=BAD)).headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize(("origin", "status"), [(GOOD, 204), (BAD, 403)])
async def test_what_a_page_may_send(method: str, origin: str, status: int) -> None:
    asked = {
        "origin": origin,
        "access-control-request-method": method,
        "access-control-request-headers": "authorization, content-type",
    }
    answer = await ask_app(app(), "OPTIONS", "/plain", headers=asked)
    assert answer.status == status
    if status == 204:
        assert method in answer.headers["access-control-allow-methods"]
        assert answer.headers["access-control-allow-origin"] == GOOD
        asked["access-control-request-headers"] = "x-other"
        assert (await ask_app(app(), "OPTIONS", "/plain", headers=asked)).status == 403
    else:
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("method", ["PATCH", "TRACE"])
async def test_a_verb_that_no_route_has_is_not_let_through(method: str) -> None:
    asked = {"origin": GOOD, "access-control-request-method": method}
    assert (await ask_app(app(), "OPTIONS", "/plain", headers=asked)).status == 403
