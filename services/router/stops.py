"""What emergency stops hold, when a tenant's settings have changed: released or cancelled behind all that was decided before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import structlog

from services.router.core.inbound import ChangedTenant
from services.router.tenant_cache import TenantCache
from shared.model import ids
from shared.model.outputs import Output
from shared.model.ports import HoldStore
from shared.model.records import encode, tenant_changed
from shared.model.tenants import ENVIRONMENT, Stop, StopSweep, TenantSettings
from shared.model.topics import Topics
from shared.process.clock import now_ms

log = structlog.get_logger()
MAX_REMEMBERED: Final = 1_000
"""Tenants whose stops were logged; each change comes in every partition."""


class StoppedHolds:
    """Looks at the stopped holds of tenants whose settings have changed, a bounded piece of each at a time."""

    def __init__(self, *, holds: HoldStore, tenants: TenantCache, topics: Topics) -> None:
        self._holds = holds
        self._tenants = tenants
        self._topics = topics
        self._logged: dict[str, tuple[Stop, ...]] = {}

    async def sweep(self, changed: Mapping[str, ChangedTenant]) -> list[Output]:
        """Makes due what nothing stops any more; returns the records with which it goes on.

        The decisions before a change are stored with their holds by now: what was held under the old settings is found.
        Raises MongoUnavailable: call again.
        """
        if not changed:
            return []
        wanted = dict(changed)
        everybody = wanted.pop(ENVIRONMENT, None)
        if everybody is not None:
            for tenant in await self._holds.stopped_tenants():
                wanted[tenant] = everybody.with_(wanted.get(tenant))
        known = await self._tenants.load({*wanted, *changed}, now_ms())
        for tenant in changed:
            self._log(tenant, known[tenant])
        more: list[Output] = []
        for tenant, change in wanted.items():
            settings = known[tenant]
            stops = settings.stops if settings is not None else ()
            swept = await self._holds.sweep_stopped(tenant, StopSweep(stops, change.cancels, change.after))
            if swept.released or swept.cancelled:
                log.info("stopped_holds", tenant=tenant, released=swept.released, cancelled=swept.cancelled)
            if swept.after is not None:
                record = tenant_changed(tenant, change.cancels, after=swept.after)
                key = ids.user_key(tenant, "")
                more.append(Output(self._topics.notifications, key, encode(record), [], change.partition))
        return more

    def _log(self, tenant: str, settings: TenantSettings | None) -> None:
        """Says once what is stopped now, and when nothing is any more: who reads only logs has to find it there."""
        stops = tuple(dict.fromkeys(settings.stops)) if settings is not None else ()
        if stops == self._logged.get(tenant, ()):
            return
        log.warning("emergency_stops", tenant=tenant, stops=[stop.in_words() for stop in stops])
        if len(self._logged) >= MAX_REMEMBERED:
            self._logged.clear()
        if stops:
            self._logged[tenant] = stops
        else:
            self._logged.pop(tenant, None)
