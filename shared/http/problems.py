"""RFC 9457 problem documents: every refusal says what, where, why and the next step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import uuid4

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from shared.http.pointers import pointer_to
from shared.http.problem_pages import PREFIX, problem_routes
from shared.model.errors import Invalid, Unavailable
from shared.model.formats import NewerFormat
from shared.process.metrics import REQUESTS_REJECTED

PROBLEM_JSON: Final = "application/problem+json"


class Problem(Exception):  # RFC 9457 calls it a problem
    """A refusal the caller can read: what, where, why and the next step."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        fix: str,
        pointers: Sequence[tuple[str, str]] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.fix = fix
        self.pointers = pointers
        self.headers = headers or {}

    def body(self, instance: str, request_id: str) -> dict[str, object]:
        """The problem document; `errors` holds JSON pointers (RFC 6901) into the body."""
        document: dict[str, object] = {
            "type": f"{PREFIX}{self.code}",
            "title": self.code.replace("_", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "code": self.code,
            "fix": self.fix,
            "request_id": request_id,
        }
        if self.pointers:
            document["errors"] = [{"pointer": pointer, "detail": detail} for pointer, detail in self.pointers]
        return document


def respond(problem: Problem, request: Request) -> Response:
    """The problem as a response; counted by its code."""
    REQUESTS_REJECTED.labels(problem.code).inc()
    request_id = request.headers.get("x-request-id", "")[:64] or uuid4().hex
    body = problem.body(request.url.path, request_id)
    if getattr(request.app.state, "repeats_status_as", None):
        body[request.app.state.repeats_status_as] = problem.status
    return Response(
        orjson.dumps(body),
        problem.status,
        headers={**problem.headers, "x-request-id": request_id},
        media_type=PROBLEM_JSON,
    )


def unavailable(detail: str) -> Problem:
    """503 with Retry-After: nothing was accepted, the same call may be repeated."""
    return Problem(
        503,
        "temporarily_unavailable",
        detail,
        fix="Repeat the same call with the same Idempotency-Key after Retry-After seconds.",
        headers={"Retry-After": "2"},
    )


def install_problems(app: FastAPI, *, repeat_status_as: str | None = None) -> None:
    """Every refusal of `app` becomes a problem document, whose `type` leads to its page; its status may stand in a second member, too."""
    app.include_router(problem_routes())
    app.state.repeats_status_as = repeat_status_as

    @app.exception_handler(Problem)
    async def on_problem(request: Request, problem: Problem) -> Response:
        return respond(problem, request)

    @app.exception_handler(Invalid)
    async def on_invalid(request: Request, error: Invalid) -> Response:
        pointers = [(error.pointer, error.detail)] if error.pointer is not None else []
        fix = "Correct the body as the errors say; the schema is at /openapi.json."
        return respond(Problem(422, error.code, error.detail, fix=fix, pointers=pointers), request)

    @app.exception_handler(Unavailable)
    async def on_unavailable(request: Request, _: Unavailable) -> Response:
        return respond(unavailable("a part that this call needs does not answer"), request)

    @app.exception_handler(NewerFormat)
    async def on_newer(request: Request, _: NewerFormat) -> Response:
        return respond(unavailable("a newer version of Carillon wrote what this call needs; one will answer"), request)

    @app.exception_handler(ClientDisconnect)
    async def on_disconnect(_: Request, __: ClientDisconnect) -> Response:
        return Response(status_code=400)  # nobody reads it

    @app.exception_handler(Exception)
    async def on_bug(request: Request, _: Exception) -> Response:
        fix = "Report it with the request_id; the same call may be repeated."
        return respond(Problem(500, "internal_error", "a bug of ours; it is in the log", fix=fix), request)

    @app.exception_handler(RequestValidationError)
    async def on_validation(request: Request, error: RequestValidationError) -> Response:
        pointers = [(pointer_to(item["loc"][1:]), item["msg"]) for item in error.errors()]
        fix = "Correct the request as the errors say; the schema is at /openapi.json."
        return respond(Problem(422, "invalid_request", "the request is not valid", fix=fix, pointers=pointers), request)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "http_error")
        fix = "Look the path and method up at /docs."
        problem = Problem(error.status_code, code, str(error.detail), fix=fix, headers=dict(error.headers or {}))
        return respond(problem, request)
