"""Tenants' settings in memory: one read for what is missing, evicted in the order of the log.

Settings are written to MongoDB first and announced by a `tenant_changed` record in every partition before their API
call answers; the router drops the entry when it meets one, before it decides anything accepted later.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from shared.model.tenants import ENVIRONMENT, TenantSettings, effective

ReadTenants = Callable[[list[str]], Awaitable[dict[str, TenantSettings]]]
"""The stored settings of some tenants and of the environment; those without any are left out. Raises MongoUnavailable."""
MAX_KEPT: Final = 10_000


class TenantCache:
    """Settings by tenant, within the environment's; of tenants without any, too."""

    def __init__(self, read: ReadTenants, *, ttl_ms: int, most: int = MAX_KEPT) -> None:
        self._read = read
        self._ttl_ms = ttl_ms
        self._most = most
        self._known: OrderedDict[str, tuple[int, TenantSettings | None]] = OrderedDict()
        self._changes = 0

    def evict(self, tenants: Iterable[str]) -> None:
        """Their settings have changed; `*`: everybody's."""
        for tenant in tenants:
            self._changes += 1
            if tenant == ENVIRONMENT:
                self._known.clear()
            self._known.pop(tenant, None)

    def clear(self) -> None:
        """Partitions moved: what happened in them meanwhile is unknown."""
        self._changes += 1
        self._known.clear()

    async def load(self, tenants: Iterable[str], now: int) -> dict[str, TenantSettings | None]:
        """The settings that count for each; None: nothing is set. `now` in milliseconds.

        Of what only a newer version can read there is nothing but the `format`. Raises MongoUnavailable: who does not
        know must wait.
        """
        found: dict[str, TenantSettings | None] = {}
        missing: list[str] = []
        for tenant in set(tenants):
            known = self._known.get(tenant)
            if known is not None and now - known[0] < self._ttl_ms:
                self._known.move_to_end(tenant)
                found[tenant] = known[1]
            else:
                missing.append(tenant)
        return found | await self._load_missing(missing, now) if missing else found

    async def _load_missing(self, tenants: list[str], now: int) -> dict[str, TenantSettings | None]:
        changes = self._changes
        stored = await self._read(tenants)
        environment = stored.get(ENVIRONMENT)
        fresh = {tenant: effective(tenant, stored.get(tenant), environment) for tenant in tenants}
        if changes == self._changes:  # else it may have been read before what has changed since
            self._known.update((tenant, (now, settings)) for tenant, settings in fresh.items())
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return fresh
