"""Tenants' settings in memory, as the router and delivery read them."""

from __future__ import annotations

from collections.abc import Iterable

from shared.model.errors import MongoUnavailable
from shared.model.tenants import ENVIRONMENT, TenantSettings
from tests.support.twins.outages import Outages


class MemoryTenants:
    """What is stored, by tenant."""

    def __init__(self, *settings: TenantSettings) -> None:
        self.outages = Outages(MongoUnavailable)
        self.reads = 0
        self._rows: dict[str, TenantSettings] = {}
        self.put(*settings)

    def put(self, *settings: TenantSettings) -> None:
        """Stores settings, each under the version that it has."""
        self._rows.update({each.tenant: each for each in settings})

    async def read_many(self, tenants: Iterable[str]) -> dict[str, TenantSettings]:
        self.reads += 1
        async with self.outages.call():
            return {tenant: self._rows[tenant] for tenant in (*tenants, ENVIRONMENT) if tenant in self._rows}

    async def versions(self, tenants: Iterable[str]) -> dict[str, int]:
        return {tenant: settings.version for tenant, settings in (await self.read_many(tenants)).items()}
