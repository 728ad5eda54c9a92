"""Who may ask: pages of this origin, on this machine. The page gives out tokens and kills a process.

A page of somebody else's may send requests to loopback, too, or give its own name our address (DNS rebinding).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.http.problems import Problem, respond

HOSTS: Final = frozenset({"127.0.0.1", "localhost"})


class OwnPagesOnly:
    """ASGI middleware, inside the app whose problems it answers with."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http" and not is_own(Headers(scope=scope)):
            fix = "Open the page that `carillon up` prints; programs call ingest, the gateway and the console instead."
            problem = Problem(403, "origin_not_allowed", "only the page itself may ask this", fix=fix)
            await respond(problem, Request(scope))(scope, receive, send)
            return
        await self._app(scope, receive, send)


def is_own(headers: Mapping[str, str]) -> bool:
    """Whether the request is for loopback by name, and of no other origin's page."""
    host = headers.get("host", "")
    return host.rpartition(":")[0] in HOSTS and headers.get("origin", f"http://{host}") == f"http://{host}"
