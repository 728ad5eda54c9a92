"""Stored settings of tenants, as the router, ingest and delivery read them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from shared.model import formats
from shared.model.channels import Channel
from shared.model.errors import Invalid
from shared.model.profiles import Preferences
from shared.model.tenants import ENVIRONMENT, FrequencyCap, Stop, TenantLimits, TenantSettings
from shared.model.topics import Topics
from shared.mongo import tenants as stored
from tests.support import samples
from tests.support.twins.publisher import MemoryPublisher
from tests.support.twins.tenants import MemoryTenants

Put = Callable[[TenantSettings], Awaitable[TenantSettings]]
FULL = TenantSettings(
    tenant="acme",
    version=1,
    name="Acme",
    preferences=Preferences(categories={"marketing": False}, workflows={"orders.shipped": True}),
    caps=(FrequencyCap(most=3, seconds=60, channels=(Channel.EMAIL,)),),
    stops=(Stop(workflow="a.b", since=5), Stop(channel=Channel.WEBHOOK, since=6)),
    limits=TenantLimits(requests_per_second=9),
    brand={"logo": "https://acme.example/logo.png"},
)


@pytest.fixture
def tenants(implementation: str, request: pytest.FixtureRequest) -> Any:
    if implementation == "twin":
        return MemoryTenants()
    database = request.getfixturevalue("database")
    return SimpleNamespace(read_many=partial(stored.read_many, database), versions=partial(stored.versions, database))


@pytest.fixture
def put(implementation: str, tenants: Any, request: pytest.FixtureRequest) -> Put:
    """Stores settings under their next version, and returns them so."""
    database = request.getfixturevalue("database") if implementation == "real" else None

    async def make(settings: TenantSettings) -> TenantSettings:
        if database is None:
            tenants.put(settings)
            return settings
        return await stored.write(
            database, MemoryPublisher(), Topics(), tenant=settings.tenant, change=lambda _: settings
        )

    return make


async def test_what_is_set_is_read_and_who_has_nothing_is_left_out(tenants: Any, put: Put) -> None:
    await put(FULL)
    assert await tenants.read_many(["acme", "other"]) == {"acme": FULL}
    assert await tenants.versions(["acme", "other"]) == {"acme": 1}


async def test_the_environments_come_with_everybodys(tenants: Any, put: Put) -> None:
    environment = await put(TenantSettings(tenant=ENVIRONMENT, version=1, brand={"color": "#0a0"}))
    assert await tenants.read_many([]) == {ENVIRONMENT: environment}
    assert await tenants.versions(["acme"]) == {ENVIRONMENT: 1}


async def test_the_version_grows_with_every_write(tenants: Any, put: Put) -> None:
    await put(FULL)
    await put(msgspec.structs.replace(FULL, version=2, name="Acme & Sons"))
    assert (await tenants.read_many(["acme"]))["acme"].version == 2


@pytest.mark.real
async def test_a_write_tells_every_partition_even_when_nothing_changes(database: Any) -> None:
    publisher, topics = MemoryPublisher(), Topics(partitions=3)
    for _ in range(2):
        await stored.write(database, publisher, topics, tenant="acme", change=lambda settings: settings)
    written = publisher.on(topics.notifications)
    assert [output.partition for output in written] == [0, 1, 2, 0, 1, 2]
    assert (await stored.read(database, "acme")).version == 2


@pytest.mark.real
async def test_writers_do_not_undo_each_other(database: Any) -> None:
    tries = 0

    async def other() -> None:
        await stored.write(
            database, MemoryPublisher(), Topics(), tenant="acme",
            change=lambda settings: msgspec.structs.replace(settings, name="Acme"),
        )  # fmt: skip

    await other()

    def change(settings: TenantSettings) -> TenantSettings:
        nonlocal tries
        tries += 1
        return msgspec.structs.replace(settings, brand={"tries": str(tries)})

    seen = await stored.read(database, "acme")
    await other()
    assert await stored._replace(database, seen, change(seen)) is None, "another writer was there between"
    written = await stored.write(database, MemoryPublisher(), Topics(), tenant="acme", change=change)
    assert (written.name, written.brand, written.version) == ("Acme", {"tries": "2"}, 3)


@pytest.mark.real
async def test_a_row_that_cannot_be_read_stops_its_tenant_and_no_other(database: Any) -> None:
    await database.tenants.insert_many(
        [{"_id": "broken", "version": 4, "caps": "many"}, {"_id": "newer", "format": samples.NEWER, "version": 5}]
    )
    found = await stored.read_many(database, ["broken", "newer", "acme"])
    assert found == {
        "broken": TenantSettings(tenant="broken", version=4, stops=(Stop(),)),
        "newer": TenantSettings(tenant="newer", version=5, format=samples.NEWER),
    }
    for tenant, error in (("broken", Invalid), ("newer", formats.NewerFormat)):
        with pytest.raises(error):
            await stored.write(database, MemoryPublisher(), Topics(), tenant=tenant, change=lambda settings: settings)
