"""The emergency stop: setting it, and releasing or cancelling in one call what it holds.

The settings change first, and every partition is told; then what is held is swept from here, and once more by `decide`
behind everything that was decided under the old settings.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

import msgspec

from shared.model.channels import Channel
from shared.model.ports import HoldStore, RecordWriter
from shared.model.tenants import ENVIRONMENT, Stop, StopSweep, Swept, TenantSettings, effective
from shared.model.topics import Topics
from shared.mongo import tenants
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.held_by_stops import count_sweepable
from shared.mongo.holds import Holds
from shared.process.clock import now_ms

MAX_STOPS: Final = 100
SWEEP_SECONDS: Final = 5.0
"""So long a call sweeps itself; `decide` goes on with the rest."""

StopsChange = Callable[[tuple[Stop, ...]], tuple[Stop, ...]]
"""From the tenant's stops to the wanted ones; may run more than once."""


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
        return await self._lift(tenant, lambda stops: outside(scope, stops), ())

    async def cancel(self, tenant: str, *, workflow: str | None, channel: Channel | None, keep: bool = False) -> Lifted:
        """The same, but what is held of this ends as cancelled. With `keep` the stops stay: what comes later is held."""
        scope = Stop(workflow=workflow, channel=channel, since=now_ms())
        return await self._lift(tenant, lambda stops: stops if keep else outside(scope, stops), (scope,))

    async def _lift(self, tenant: str, change: StopsChange, cancels: tuple[Stop, ...]) -> Lifted:
        """Counts what is held before anybody else sweeps it, and sweeps when `decide` is told: it would hold it again."""
        sweeps: dict[str, StopSweep] = {}
        counts: list[Swept] = []

        async def count(written: TenantSettings) -> None:
            del written
            sweeps.update(await self._sweeps(tenant, cancels))
            with mongo_border():
                counts[:] = [await count_sweepable(self._database.holds, *sweep) for sweep in sweeps.items()]

        written = await self._write(tenant, change, cancels, count)
        until = time.monotonic() + SWEEP_SECONDS
        complete = [await sweep_until(self._holds, *sweep, until) for sweep in sweeps.items()]
        released, cancelled = (sum(each.released for each in counts), sum(each.cancelled for each in counts))
        return Lifted(written.stops, released, cancelled, all(complete))

    async def _sweeps(self, tenant: str, cancels: tuple[Stop, ...]) -> dict[str, StopSweep]:
        """By tenant what is to be swept, with the stops that are in place now."""
        concerned = await self._holds.stopped_tenants() if tenant == ENVIRONMENT else [tenant]
        known = await tenants.read_many(self._database, concerned)
        counting = {each: effective(each, known.get(each), known.get(ENVIRONMENT)) for each in concerned}
        return {each: StopSweep(settings.stops if settings else (), cancels) for each, settings in counting.items()}

    async def _write(
        self,
        tenant: str,
        change: StopsChange,
        cancels: tuple[Stop, ...] = (),
        before_telling: Callable[[TenantSettings], Awaitable[None]] | None = None,
    ) -> TenantSettings:
        return await tenants.write(
            self._database,
            self._writer,
            self._topics,
            tenant=tenant,
            change=lambda stored: msgspec.structs.replace(stored, stops=change(stored.stops)),
            cancels=cancels,
            before_telling=before_telling,
        )


async def sweep_until(holds: HoldStore, tenant: str, sweep: StopSweep, until: float) -> bool:
    """Sweeps piece by piece; False: it is `until` (monotonic seconds), and there is more."""
    while True:
        swept = await holds.sweep_stopped(tenant, sweep)
        if swept.after is None:
            return True
        if time.monotonic() >= until:
            return False
        sweep = sweep._replace(after=swept.after)


def outside(scope: Stop, stops: tuple[Stop, ...]) -> tuple[Stop, ...]:
    """The stops of which `scope` does not cover all."""
    return tuple(stop for stop in stops if not scope.covers(stop.workflow, stop.channel))


def _stands(wanted: Stop, stops: tuple[Stop, ...]) -> bool:
    return any((stop.workflow, stop.channel) == (wanted.workflow, wanted.channel) for stop in stops)
