"""How often a tenant's producers may call."""

from __future__ import annotations

import pytest

from services.ingest.admission import Admission
from services.ingest.tenant_rates import KNOWN_SECONDS, TenantRates
from shared.http.problems import Problem
from shared.model.tenants import ENVIRONMENT, TenantLimits, TenantSettings
from shared.mongo.api_keys import Scope
from tests.support.twins.api_keys import MemoryApiKeys
from tests.support.twins.tenants import MemoryTenants
from tests.unit.ingest.scenes import limits, request


def limited(tenant: str, per_second: int, version: int = 1) -> TenantSettings:
    return TenantSettings(tenant=tenant, version=version, limits=TenantLimits(requests_per_second=per_second))


async def allowed(rates: TenantRates, tenant: str, now: float, calls: int = 20) -> int:
    """How many of so many calls at once are taken."""
    taken = 0
    for _ in range(calls):
        try:
            await rates.take(tenant, now)
        except Problem:
            continue
        taken += 1
    return taken


async def test_who_has_no_limit_calls_as_often_as_wanted_and_is_looked_up_once() -> None:
    stored = MemoryTenants(limited("other", 1))
    rates = TenantRates(stored.read_many, read_seconds=1)
    assert await allowed(rates, "acme", 0.0) == 20
    assert stored.reads == 1


async def test_a_second_has_as_many_as_the_tenant_may_and_others_have_their_own() -> None:
    rates = TenantRates(MemoryTenants(limited("acme", 3), limited(ENVIRONMENT, 5)).read_many, read_seconds=1)
    assert await allowed(rates, "acme", 0.0) == 3
    assert await allowed(rates, "acme", 1.0) == 3
    assert await allowed(rates, "else", 1.0) == 5, "the environment's"


async def test_what_is_too_much_is_told_when_to_come_back() -> None:
    rates = TenantRates(MemoryTenants(limited("acme", 1)).read_many, read_seconds=1)
    await rates.take("acme", 0.0)
    with pytest.raises(Problem) as refused:
        await rates.take("acme", 0.0)
    assert (refused.value.status, refused.value.code) == (429, "rate_limited")
    assert refused.value.headers == {
        "Retry-After": "1", "RateLimit-Policy": '"tenant";q=1;w=1', "RateLimit": '"tenant";r=0;t=1',
    }  # fmt: skip


async def test_a_changed_limit_counts_soon_and_an_unchanged_one_begins_nothing_anew() -> None:
    stored = MemoryTenants(limited("acme", 2))
    rates = TenantRates(stored.read_many, read_seconds=1)
    assert await allowed(rates, "acme", 0.0) == 2
    assert await allowed(rates, "acme", KNOWN_SECONDS, calls=0) == 0
    assert await allowed(rates, "acme", KNOWN_SECONDS) == 2
    assert await allowed(rates, "acme", KNOWN_SECONDS) == 0
    stored.put(limited("acme", 4, version=2))
    assert await allowed(rates, "acme", 2 * KNOWN_SECONDS) == 4


async def test_without_mongodb_what_was_known_counts() -> None:
    stored = MemoryTenants(limited("acme", 2))
    rates = TenantRates(stored.read_many, read_seconds=1)
    stored.outages.add(2)
    assert await allowed(rates, "acme", 0.0) == 20, "nobody is refused for what nobody knows"
    assert await allowed(rates, "acme", KNOWN_SECONDS) == 20
    assert await allowed(rates, "acme", 2 * KNOWN_SECONDS) == 2


async def test_who_can_stop_a_tenant_is_not_kept_from_it() -> None:
    keys = MemoryApiKeys()
    rates = TenantRates(MemoryTenants(limited("acme", 1)).read_many, read_seconds=1)
    admission = Admission(keys, limits=limits(), prepare_seconds=0.5, rates=rates)
    key = await keys.create(tenant="acme", scopes=frozenset(Scope))
    asked = {"authorization": f"Bearer {key}"}
    for _ in range(5):
        await admission.caller(request(**asked), Scope.ADMIN)
    await admission.caller(request(**asked), Scope.SEND)
    with pytest.raises(Problem):
        await admission.caller(request(**asked), Scope.SEND)
