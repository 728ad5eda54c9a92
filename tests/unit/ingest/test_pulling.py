"""Seats of those who take deliveries: one tenant's many senders leave some to the others."""

from __future__ import annotations

import asyncio

import pytest

from services.ingest.pulling import MAX_TAKES, MAX_TAKES_EACH, Pulling
from shared.deciding.changed_inputs import ChangedInputs
from shared.http.problems import Problem
from shared.model.pull import PulledDelivery
from tests.support import samples as a
from tests.support.pulled import pulled
from tests.support.twins.address_owners import MemoryAddressOwners
from tests.support.twins.cancellations import MemoryCancellations
from tests.support.twins.fanouts import MemorySubscriptions
from tests.support.twins.profiles import MemoryProfiles
from tests.support.twins.pull import MemoryPull
from tests.support.twins.suppressions import MemorySuppressions
from tests.support.twins.tenants import MemoryTenants
from tests.support.wait import turns_until


class SlowRows(MemoryPull):
    """Looks of the tenant `busy` take until they may end."""

    def __init__(self) -> None:
        super().__init__()
        self.may_end = asyncio.Event()
        self.looking = 0

    async def waiting(self, tenant: str, *, workflow: str | None, most: int) -> list[PulledDelivery]:
        if tenant == "busy":
            self.looking += 1
            await self.may_end.wait()
        return await super().waiting(tenant, workflow=workflow, most=most)


async def test_however_many_of_one_tenants_ask_the_others_have_seats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.ingest.pulling.PATIENCE_SECONDS", 0.05)
    rows, profiles = SlowRows(), MemoryProfiles(a.profile())
    inputs = ChangedInputs(
        versions=profiles.versions, tenant_versions=MemoryTenants().versions, cancellations=MemoryCancellations(),
        suppressions=MemorySuppressions(), owners=MemoryAddressOwners(profiles), subscriptions=MemorySubscriptions(),
    )  # fmt: skip
    pulling = Pulling(rows, inputs)

    async def take(tenant: str) -> int:
        return len(await pulling.take(tenant, workflow=None, most=9, lease_seconds=30))

    await rows.insert([pulled("d")])
    busy = [asyncio.create_task(take("busy")) for _ in range(3 * MAX_TAKES)]
    await turns_until(lambda: rows.looking == MAX_TAKES_EACH, what="all that may look")
    assert await take("acme") == 1
    refused = await asyncio.gather(*busy[MAX_TAKES_EACH:], return_exceptions=True)
    assert {one.code for one in refused if isinstance(one, Problem)} == {"temporarily_unavailable"}
    assert len(refused) == sum(isinstance(one, Problem) for one in refused)
    rows.may_end.set()
    assert await asyncio.gather(*busy[:MAX_TAKES_EACH]) == [0] * MAX_TAKES_EACH
    assert await take("busy") == 0, "its seats are free again"
