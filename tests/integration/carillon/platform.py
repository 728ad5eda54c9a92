"""An HTTP server in the platform's place that can be told how to answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

ACCEPTED = {"id": "e1", "notifications": [{"id": "n1", "user": "ana"}], "durability": "kafka"}


@dataclass
class Platform:
    """Answers as told (status, headers and perhaps a body; None hangs up), in order, then 202; keeps what it was asked."""

    url: str = ""
    answers: list[tuple[int, dict[str, str]] | tuple[int, dict[str, str], bytes] | None] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else None
        self.asked.append((request.method, request.raw_path, dict(request.headers), body))
        told = self.answers.pop(0) if self.answers else (202, {})
        if told is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        status, headers, *raw = told
        if raw:
            return web.Response(body=raw[0], status=status, headers=headers)
        document = ACCEPTED if status < 400 else {"code": "told_to", "detail": "as told", "fix": "none"}
        return web.json_response(document, status=status, headers=headers)

    @property
    def keys(self) -> list[str | None]:
        return [headers.get("Idempotency-Key") for _, _, headers, _ in self.asked]
