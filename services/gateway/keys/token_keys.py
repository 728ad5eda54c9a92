"""The keys that verify users' tokens: fetched by one at a time, renewed before they are old, kept while none come."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from time import monotonic

import jwt
import structlog

from services.gateway.core.limits import KEYS_AGAIN_SECONDS, KEYS_SECONDS, UNKNOWN_KEY_SECONDS
from services.gateway.keys.endpoint import KeysUnavailable
from services.gateway.keys.key_set import KeySet
from shared.model.timestamps import rfc3339
from shared.process.clock import now_ms
from shared.process.gateway_metrics import TOKEN_KEY_FETCHES

log = structlog.get_logger()
FetchKeys = Callable[[], Awaitable[KeySet]]
"""Asks the endpoint. Raises KeysUnavailable."""


class TokenKeys:
    """The SigningKeys of a verifier: the last set that could be used."""

    def __init__(
        self,
        fetch: FetchKeys,
        *,
        seconds: float = KEYS_SECONDS,
        again_seconds: float = KEYS_AGAIN_SECONDS,
        unknown_seconds: float = UNKNOWN_KEY_SECONDS,
    ) -> None:
        self._fetch = fetch
        self._seconds = seconds
        self._again_seconds = again_seconds
        self._unknown_seconds = unknown_seconds
        self._known: KeySet | None = None
        self._fetching: asyncio.Task[None] | None = None
        self._asked_at = 0.0
        self._failing_since: int | None = None

    def find(self, kid: str | None) -> jwt.PyJWK | None:
        """As SigningKeys says."""
        return None if self._known is None else self._known.find(kid)

    async def renew(self) -> bool:
        """As SigningKeys says: a token names an unknown key. At most once in UNKNOWN_KEY_SECONDS, whatever tokens say."""
        if self._fetching is None and monotonic() - self._asked_at < self._unknown_seconds:
            return False
        try:
            await self.refresh()
        except KeysUnavailable:
            return False
        return True

    async def refresh(self) -> None:
        """Fetches the set; who calls meanwhile waits for the same answer. Raises KeysUnavailable: the old set stays."""
        if self._fetching is None:
            self._asked_at = monotonic()
            self._fetching = asyncio.create_task(self._replace())
            self._fetching.add_done_callback(self._fetched)
        await asyncio.shield(self._fetching)  # whoever gives up waits no more; the others do

    async def run(self) -> None:
        """Renews the set before it is `seconds` old; after a failure sooner."""
        wait = self._seconds
        while True:
            await asyncio.sleep(wait * random.uniform(0.7, 0.9))  # noqa: S311  # spreads load only
            try:
                await self.refresh()
                wait = self._seconds
            except KeysUnavailable:
                wait = self._again_seconds

    async def known(self) -> bool | str:
        """The check of readiness: whether there is a set, however old."""
        return self._known is not None or "the key set of CARILLON_TOKEN_JWKS_URL was not had yet"

    async def close(self) -> None:
        """Gives up a fetch that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait({self._fetching})

    async def _replace(self) -> None:
        try:
            found = await self._fetch()
        except KeysUnavailable as error:
            TOKEN_KEY_FETCHES.labels("failed").inc()
            self._failing_since = self._failing_since or now_ms()
            if self._known is not None:
                log.warning(
                    "token_keys_old",
                    since=rfc3339(self._failing_since),
                    error=str(error),
                    next="the keys had before go on counting; check CARILLON_TOKEN_JWKS_URL",
                )
            raise
        TOKEN_KEY_FETCHES.labels("ok").inc()
        if self._known is None or self._failing_since or found.keys.keys() != self._known.keys.keys():
            log.info("token_keys", keys=len(found.keys), left_out=found.left_out)
        self._known, self._failing_since = found, None

    def _fetched(self, task: asyncio.Task[None]) -> None:
        self._fetching = None
        if not task.cancelled():
            task.exception()  # told to who waited; nobody may have
