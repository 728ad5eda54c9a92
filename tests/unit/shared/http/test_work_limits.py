"""What is in work is bounded, by credential and in all, and released however a request ends."""

from __future__ import annotations

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import Response

from shared.http.bodies import MAX_BODY
from shared.http.problems import Problem, install_problems
from shared.http.work_limits import WORK, ReleasesWork, WorkLimits
from tests.support.asgi import call_app


def sized(size: int | None) -> Request:
    name, value = (b"transfer-encoding", b"chunked") if size is None else (b"content-length", b"%d" % size)
    return Request(
        {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": [(name, value)], WORK: []}
    )


def refusal(limits: WorkLimits, size: int | None, credential: str = "a") -> tuple[int, str]:
    with pytest.raises(Problem) as refused:
        limits.hold(sized(size), credential)
    assert refused.value.headers["Retry-After"]
    return refused.value.status, refused.value.code


def test_one_credential_has_half_of_the_bytes() -> None:
    limits = WorkLimits(most_bytes=1000, most_requests=100)
    for _ in range(5):
        limits.hold(sized(100), "a")
    assert refusal(limits, 1) == (429, "too_many_requests")
    limits.hold(sized(0), "a")
    for credential in ("b", "c"):
        limits.hold(sized(250), credential)
    assert refusal(limits, 1, "d") == (503, "temporarily_unavailable")
    assert limits.held == 1000


def test_requests_of_one_credential_are_counted() -> None:
    limits = WorkLimits(most_bytes=1 << 30, most_requests=2)
    for credential in ("a", "a", "b"):
        limits.hold(sized(0), credential)
    assert refusal(limits, 0) == (429, "too_many_requests")


def test_a_body_of_unknown_length_counts_as_the_longest() -> None:
    limits = WorkLimits(most_bytes=4 * MAX_BODY, most_requests=100)
    limits.hold(sized(None), "a")
    assert limits.held == MAX_BODY


@pytest.mark.parametrize("path", ["/good", "/refused", "/broken"])
def test_whatever_becomes_of_a_request_it_is_released(path: str) -> None:
    limits = WorkLimits(most_bytes=1 << 30, most_requests=1)
    api = FastAPI()
    install_problems(api)
    api.add_middleware(ReleasesWork)
    held: list[int] = []

    @api.post("/{what}")
    async def post(what: str, request: Request) -> Response:
        limits.hold(request, "a")
        held.append(limits.held)
        if what == "broken":
            raise RuntimeError
        if what == "refused":
            raise Problem(400, "no", "no", fix="no")
        return Response()

    for _ in range(3):
        try:
            call_app(api, "POST", path, headers={"content-length": "2"}, body=b"xy")
        except RuntimeError:
            assert path == "/broken"
    assert (held, limits.held) == ([2, 2, 2], 0)
