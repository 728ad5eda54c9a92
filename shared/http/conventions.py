"""What clients take for granted of HTTP, whatever the route: HEAD, a slash at the end, paths in UTF-8."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.problems import Problem, respond


class HttpConventions:
    """ASGI middleware, inside the app whose problems it answers with.

    - HEAD is answered as GET is, without the body (RFC 9110 section 9.3.2).
    - A slash at the end of a path is the same path: a redirect would lose a body, or send a credential elsewhere.
    - What is percent-encoded must be UTF-8: two ids that differ in what is not would become the same one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if not (_is_utf8(scope.get("raw_path") or b"") and _is_utf8(scope["query_string"])):
            fix = "Percent-encode the UTF-8 bytes of what stands in the path and the query."
            problem = Problem(400, "invalid_path", "the path or the query is not UTF-8", fix=fix)
            await respond(problem, Request(scope))(scope, receive, send)
            return
        path = scope["path"]
        if path.endswith("/") and len(path) > 1:
            scope = {**scope, "path": path.rstrip("/") or "/"}
        if scope["method"] == "HEAD":
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        await self._app(scope, receive, send)


def _is_utf8(encoded: bytes) -> bool:
    if b"%" not in encoded:
        return True
    try:
        unquote_to_bytes(encoded).decode()
    except UnicodeDecodeError:
        return False
    return True


def _without_body(send: Send) -> Send:
    async def bare(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return bare
