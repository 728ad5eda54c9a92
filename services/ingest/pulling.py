"""Handing deliveries to a tenant's own senders: what was decided a while ago is compared before anybody gets it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final
from uuid import uuid4
from weakref import WeakValueDictionary

from shared.deciding.changed_inputs import ChangedInputs, asks_topic
from shared.http.problems import unavailable
from shared.model import ids
from shared.model.deliveries import Delivery
from shared.model.pull import PulledDelivery, PullSenders, TakenDelivery
from shared.process.clock import now_ms

ROUNDS: Final = 5
"""Looks of one call, when others take what it found, or nothing of it holds any more."""
MAX_TAKES: Final = 8
"""Calls that read deliveries at once; each may hold some MiB of them."""
MAX_TAKES_EACH: Final = MAX_TAKES // 2
"""Of one tenant: however many of its senders ask, the others' have seats left."""
PATIENCE_SECONDS: Final = 1.0


class Pulling:
    """Takes for all tenants, of one process."""

    def __init__(self, senders: PullSenders, inputs: ChangedInputs) -> None:
        self._senders = senders
        self._inputs = inputs
        self._room = asyncio.Semaphore(MAX_TAKES)
        self._room_of: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def take(
        self, tenant: str, *, workflow: str | None, most: int, lease_seconds: int, key: str | None = None
    ) -> list[TakenDelivery]:
        """Up to `most`, for the caller alone; none only when nothing is to be taken, or others take it all.

        `key`: the same again gets what it has and has not reported, as its answer may have been lost.
        Raises Problem 503 when too many ask at once, and MongoUnavailable.
        """
        async with self._seat(tenant):
            token = uuid4().hex if key is None else _token_of(tenant, key)
            if key is not None and (held := await self._senders.held(tenant, token)):
                return held
            for _ in range(ROUNDS):
                found = await self._senders.waiting(tenant, workflow=workflow, most=most)
                if not found:
                    break
                stale = await self._stale(found)
                await self._senders.send_back(tenant, [each for each in found if each.delivery.id in stale])
                fresh = [each for each in found if each.delivery.id not in stale]
                if taken := await self._senders.take(tenant, fresh, token=token, lease_seconds=lease_seconds):
                    return taken
            return []

    @asynccontextmanager
    async def _seat(self, tenant: str) -> AsyncIterator[None]:
        """Raises Problem 503 when there is none for a second."""
        own = self._room_of.setdefault(tenant, asyncio.Semaphore(MAX_TAKES_EACH))
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await held.enter_async_context(own)
                    await held.enter_async_context(self._room)
            except TimeoutError:
                raise unavailable("too many senders ask at once") from None
            yield

    async def _stale(self, found: list[PulledDelivery]) -> set[str]:
        """The deliveries that are to be decided again. Looked at before they are taken: an outage uses up no attempt."""
        now = now_ms()
        old = [each for each in found if now >= each.fresh_until]
        ended = {each.delivery.id for each in old if each.delivery.valid_until and now >= each.delivery.valid_until}
        deliveries = [each.delivery for each in old if each.delivery.id not in ended]
        if deliveries:
            ended |= _those(deliveries, await self._inputs.changed(deliveries))
        asked = [each.delivery for each in old if asks_topic(each.delivery, critical=each.critical)]
        asked = [delivery for delivery in asked if delivery.id not in ended]
        return ended | _those(asked, await self._inputs.left(asked)) if asked else ended


def _token_of(tenant: str, key: str) -> str:
    return ids.derive("take", tenant, key)


def _those(deliveries: list[Delivery], which: list[bool]) -> set[str]:
    return {delivery.id for delivery, is_one in zip(deliveries, which, strict=True) if is_one}
