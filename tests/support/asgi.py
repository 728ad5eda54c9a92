"""Calls of an ASGI app without a server, as uvicorn would make them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

import orjson
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message


class AsgiAnswer:
    """What the app answered."""

    def __init__(self) -> None:
        self.status = 0
        self.headers = Headers()
        self.body = b""

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], Headers(raw=message["headers"])
        else:
            self.body += message.get("body", b"")

    def json(self) -> Any:
        return orjson.loads(self.body)


def call_app(
    app: ASGIApp, method: str, target: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> AsgiAnswer:
    """One request, in a loop of its own; `target` as it stands on the wire."""
    return asyncio.run(ask_app(app, method, target, headers=headers, body=body))


async def ask_app(
    app: ASGIApp,
    method: str,
    target: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    arrives: asyncio.Event | None = None,
) -> AsgiAnswer:
    """As `call_app`, in this loop. `arrives`: the body does not before that is set."""
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
    }
    answer = AsgiAnswer()

    bodies = [body]

    async def receive() -> Message:
        if arrives is not None:
            await arrives.wait()
        if not bodies:  # whoever asks again waits for the client to leave, which it does not before it is answered
            await asyncio.Event().wait()
        return {"type": "http.request", "body": bodies.pop(), "more_body": False}

    with suppress(ZeroDivisionError):  # what tests let an app fail with: it answers, and raises it to the server
        await app(scope, receive, answer.take)
    return answer
