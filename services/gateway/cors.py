"""The inbox API for pages of other origins (Fetch standard, CORS protocol)."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI, Request
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.gateway.origins import Origins
from services.gateway.unsubscribe.api import UNSUBSCRIBE_PREFIX
from shared.http.problems import Problem, respond

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "DELETE")
SENT: Final = ("Authorization", "Content-Type", "Traceparent", "X-Request-ID")
SHOWN: Final = ("RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate", "X-Request-ID")
PREFLIGHT_SECONDS: Final = 600


class InboxCors(CORSMiddleware):
    """Around the whole app, so that a page can read every refusal, too. A token is a header: no cookies are allowed."""

    def __init__(self, api: FastAPI, origins: Origins) -> None:
        super().__init__(
            api,
            allow_origins=origins.allowed,
            allow_methods=METHODS,
            allow_headers=SENT,
            expose_headers=SHOWN,
            max_age=PREFLIGHT_SECONDS,
        )
        self._api = api
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; the page of an unsubscribe link is no page of another origin, whatever sends its form."""
        if scope["type"] == "http" and scope["path"].startswith(f"{UNSUBSCRIBE_PREFIX}/"):
            await self._api(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def is_allowed_origin(self, origin: str) -> bool:
        """As for the sockets."""
        return self._origins.allows(origin)

    def preflight_response(self, request_headers: Headers) -> Response:
        """204, or a problem that says what is not allowed."""
        answer = super().preflight_response(request_headers)
        headers = {name: value for name, value in answer.headers.items() if not name.startswith("content-")}
        if answer.status_code < 400:
            return Response(status_code=204, headers=headers)
        problem = Problem(
            403,
            "origin_not_allowed",
            bytes(answer.body).decode(),
            fix=f"Pages may send {', '.join(METHODS)} with {', '.join(SENT)}, from the origins in CARILLON_ORIGINS.",
            headers=headers,
        )
        return respond(problem, Request({"type": "http", "app": self._api, "path": "", "headers": request_headers.raw}))
