"""Tenants' settings as delivery needs them: their versions to compare, their brand for texts."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from shared.model import formats
from shared.model.channels import Channel
from shared.model.tenants import ENVIRONMENT, TenantSettings, effective
from shared.process.batching import Batcher
from shared.process.retries import retry_until_available

VERSIONS_SECONDS: Final = 1.0
BRAND_SECONDS: Final = 60.0
MAX_KEPT: Final = 10_000
"""Tenants, before those go that nobody asked for lately."""
KEPT_SECONDS: Final = 600.0
"""Longer than anything takes between loading and using, unless a database is away: then nobody loads."""

ReadTenantVersions = Callable[[list[str]], Awaitable[dict[str, int]]]
"""The versions of stored settings by tenant, of `*` as well. Raises MongoUnavailable."""
ReadSettings = Callable[[list[str]], Awaitable[dict[str, TenantSettings]]]
"""The stored settings by tenant, of `*` as well. Raises MongoUnavailable."""


class TenantVersions:
    """The version of what counts for a tenant: its own and the environment's together. A second old at the most."""

    def __init__(self, read: ReadTenantVersions, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._known: dict[str, int] = {}
        self._since = clock()

    async def __call__(self, tenants: list[str]) -> dict[str, int]:
        """By tenant; 0 where nothing is set. Raises MongoUnavailable."""
        if self._clock() - self._since >= VERSIONS_SECONDS:
            self._known, self._since = {}, self._clock()
        missing = [tenant for tenant in tenants if tenant not in self._known]
        if missing:
            known = self._known  # what is read now is never taken for what is read later
            stored = await self._read(missing)
            known |= {tenant: stored.get(tenant, 0) + stored.get(ENVIRONMENT, 0) for tenant in missing}
            return {tenant: known[tenant] for tenant in tenants}
        return {tenant: self._known[tenant] for tenant in tenants}


class TenantTexts:
    """What templates see of a tenant. A minute old at the most; what is sent meanwhile is dressed as before."""

    def __init__(self, read: ReadSettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._known: dict[str, tuple[float, TenantSettings | None]] = {}
        self._swept = -BRAND_SECONDS
        self._loads: Batcher[str, None] = Batcher(self._load_all, most=None)

    async def load(self, tenants: Iterable[str]) -> None:
        """Makes these known here. Waits while MongoDB is unavailable."""
        now = self._clock()
        wanted = set(tenants)
        missing = [each for each in wanted if not self._is_known(each, now)]
        if not missing:
            return
        stored = await retry_until_available(self._read, missing)
        if len(self._known) + len(missing) > MAX_KEPT and now - self._swept >= BRAND_SECONDS:
            self._swept = now
            self._known = {tenant: known for tenant, known in self._known.items() if now - known[0] < KEPT_SECONDS}
        environment = stored.get(ENVIRONMENT)
        self._known |= {tenant: (now, effective(tenant, stored.get(tenant), environment)) for tenant in missing}

    def known(self, tenant: str) -> TenantSettings | None:
        """The settings that count for one that was loaded; None: nothing is set.

        Raises NewerFormat for those that only a newer version can read.
        """
        settings = self._known[tenant][1]
        if settings is not None:
            formats.check("tenant", settings.format)
        return settings

    def providers(self, tenant: str, channel: Channel) -> tuple[str, ...]:
        """The order in which a tenant that was loaded wants a channel's providers; empty: it has none of its own."""
        found = self._known.get(tenant)
        settings = found[1] if found is not None else None
        return settings.providers.get(channel, ()) if settings is not None else ()

    async def of(self, tenant: str) -> TenantSettings | None:
        """Both: `load`, then `known`. Of those that ask at once one reads for all."""
        if not self._is_known(tenant, self._clock()):
            await self._loads(tenant)
        return self.known(tenant)

    async def _load_all(self, tenants: list[str]) -> list[None]:
        await self.load(tenants)
        return [None] * len(tenants)

    def _is_known(self, tenant: str, now: float) -> bool:
        known = self._known.get(tenant)
        return known is not None and now - known[0] < BRAND_SECONDS
