"""The sandbox's sink as a process: real servers that can be told to fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aiohttp


@dataclass(frozen=True, kw_only=True)
class Sink:
    """Where it listens."""

    http: int
    smtp: int

    async def call(self, method: str, path: str, **more: Any) -> Any:
        """One call of its own API."""
        async with (
            aiohttp.ClientSession(raise_for_status=True) as session,
            session.request(method, f"http://127.0.0.1:{self.http}{path}", **more) as answer,
        ):
            return await answer.json() if answer.content_length else None

    async def accepted(self, kind: str, header: str) -> list[str]:
        """This header of all that it took of a kind."""
        found = (await self.call("GET", f"/messages?kind={kind}"))["messages"]
        return [value for message in found for name, value in message["headers"] if name == header]
