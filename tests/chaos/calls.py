"""Calls as a careful producer makes them: each repeated, under its key, until it is answered as it should be."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import aiohttp
import orjson

from tests.support.env import Harness

JSON = {"content-type": "application/json"}
TRIED_AGAIN = {409, 429, 503}


@dataclass(kw_only=True)
class Calls:
    """One session for everything that is sent to ingest."""

    harness: Harness
    keys: dict[str, str]
    """API keys by tenant."""
    counts: Counter[str] = field(default_factory=Counter)
    _http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Calls:
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._http is not None
        await self._http.close()

    async def insist(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        tenant: str = "default",
        headers: dict[str, str] = JSON,
        good: AbstractSet[int] = frozenset({200, 202}),
    ) -> Any:
        """The decoded answer."""
        assert self._http is not None
        own = {"authorization": f"Bearer {self.keys[tenant]}", "idempotency-key": uuid4().hex}
        url, data = self.harness.url("ingest") + path, None if body is None else orjson.dumps(body)
        while True:
            try:
                async with self._http.request(method, url, data=data, headers=headers | own) as response:
                    answer = await response.json(content_type=None) if response.status != 204 else None
                    if response.status in good:
                        return answer
                    assert response.status in TRIED_AGAIN, f"{method} {path}: {response.status} {answer}"
            except (aiohttp.ClientError, TimeoutError):
                pass
            self.counts["repeated"] += 1
            await asyncio.sleep(0.2)
