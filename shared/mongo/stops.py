"""The emergency stop: setting it, and releasing or cancelling in one call what it holds.

The settings change first, and every partition is told; then what is held is swept from here, and once more by `decide`
behind everything that was decided under the old settings.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from shared.model.channels import Channel
from shared.model.ports import HoldStore, RecordWriter
from shared.model.tenants import ENVIRONMENT, Stop, StopSweep, TenantSettings, effective
from shared.model.topics import Topics
from shared.mongo import tenants
from shared.mongo.database import Database
from shared.mongo.holds import Holds
from shared.process.clock import now_ms

MAX_STOPS: Final = 100
SWEEP_SECONDS: Final = 5.0
"""So long a call sweeps itself; `decide` goes on with the rest."""


class Lifted(NamedTuple):
    """What lifting stops came to."""

    stops: tuple[Stop, ...]
    """Those that are left of the tenant's own."""
    released: int
    cancelled: int
    complete: bool
    """False: more is being released or cancelled."""


class Stops:
    """Sets and lifts stops of a tenant, or of `*`, all of them. All methods raise as `tenants.write`."""

    def __init__(self, database: Database, writer: RecordWriter, topics: Topics) -> None:
        self._database = database
        self._writer = writer
        self._topics = topics
        self._holds = Holds(database)

    async def stop(self, tenant: str, *, workflow: str | None, channel: Channel | None) -> TenantSettings:
        """Holds what is decided from now on; a stop that is there already stays as it is."""
        wanted = Stop(workflow=workflow, channel=channel, since=now_ms())
        return await self._write(tenant, lambda stops: stops if _stands(wanted, stops) else (*stops, wanted))

    async def release(self, tenant: str, *, workflow: str | None, channel: Channel | None) -> Lifted:
        """Lifts the stops of this and of parts of it, and releases what nothing stops any more."""
        scope = Stop(workflow=workflow, channel=channel)
        written = await self._write(tenant, lambda stops: outside(scope, stops))
        return await self._swept(tenant, written, ())

    async def cancel(self, tenant: str, *, workflow: str | None, channel: Channel | None, keep: bool = False) -> Lifted:
        """The same, but what is held of this ends as cancelled. With `keep` the stops stay: what comes later is held."""
        scope = Stop(workflow=workflow, channel=channel, since=now_ms())
        written = await self._write(tenant, lambda stops: stops if keep else outside(scope, stops), (scope,))
        return await self._swept(tenant, written, (scope,))

    async def _write(
        self, tenant: str, change: Callable[[tuple[Stop, ...]], tuple[Stop, ...]], cancels: tuple[Stop, ...] = ()
    ) -> TenantSettings:
        return await tenants.write(
            self._database,
            self._writer,
            self._topics,
            tenant=tenant,
            change=lambda stored: msgspec.structs.replace(stored, stops=change(stored.stops)),
            cancels=cancels,
        )

    async def _swept(self, tenant: str, written: TenantSettings, cancels: tuple[Stop, ...]) -> Lifted:
        concerned = await self._holds.stopped_tenants() if tenant == ENVIRONMENT else [tenant]
        known = await tenants.read_many(self._database, concerned)
        environment, until = known.get(ENVIRONMENT), time.monotonic() + SWEEP_SECONDS
        released = cancelled = 0
        complete = True
        for each in concerned:
            settings = effective(each, known.get(each), environment)
            sweep = StopSweep(settings.stops if settings else (), cancels)
            counts = await sweep_until(self._holds, each, sweep, until)
            released, cancelled, complete = released + counts[0], cancelled + counts[1], complete and counts[2]
        return Lifted(written.stops, released, cancelled, complete)


async def sweep_until(holds: HoldStore, tenant: str, sweep: StopSweep, until: float) -> tuple[int, int, bool]:
    """Sweeps piece by piece until it is done or it is `until` (monotonic seconds): released, cancelled, whether done."""
    released = cancelled = 0
    while True:
        swept = await holds.sweep_stopped(tenant, sweep)
        released, cancelled = released + swept.released, cancelled + swept.cancelled
        if swept.after is None:
            return released, cancelled, True
        if time.monotonic() >= until:
            return released, cancelled, False
        sweep = sweep._replace(after=swept.after)


def outside(scope: Stop, stops: tuple[Stop, ...]) -> tuple[Stop, ...]:
    """The stops of which `scope` does not cover all."""
    return tuple(stop for stop in stops if not scope.covers(stop.workflow, stop.channel))


def _stands(wanted: Stop, stops: tuple[Stop, ...]) -> bool:
    return any((stop.workflow, stop.channel) == (wanted.workflow, wanted.channel) for stop in stops)
