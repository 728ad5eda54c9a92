"""The dry run asks with what the router asks with: both loaders, over the same stores, answer the same."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from services.router.core.inbound import InboundRecord
from services.router.inputs import Inputs
from services.router.profile_cache import ProfileCache
from services.router.tenant_cache import TenantCache
from shared.deciding.asked import asked
from shared.deciding.history_book import HistoryBook
from shared.deciding.routing_input import RoutingInput
from shared.model.formats import NewerFormat
from shared.model.notifications import Contact, Notification
from shared.model.outputs import Coordinates
from shared.model.owners import address_ids
from shared.model.profiles import Preferences
from shared.model.records import notify
from shared.model.steps import DigestStep, ThrottleStep
from shared.model.suppressions import Suppression, SuppressionReason
from shared.model.tenants import ENVIRONMENT, FrequencyCap, Stop
from shared.model.topics import Topics
from shared.mongo import profiles, tenants
from shared.mongo.address_owners import AddressOwners
from shared.mongo.cancellations import Cancellations
from shared.mongo.database import Database, open_database
from shared.mongo.deciding_inputs import DecidingInputs
from shared.mongo.histories import Histories
from shared.mongo.subscriptions import Subscriptions
from shared.mongo.suppressions import Suppressions
from tests.support import samples as a
from tests.support.brokers import Brokers
from tests.support.twins.catalog import MemoryCatalog
from tests.support.twins.publisher import MemoryPublisher
from tests.unit.deciding.runs import SHOW

NOW = 4_000_000_000_000
"""After everything that is written here."""
WORKFLOW = a.workflow(
    steps=(ThrottleStep(key="few", most=2, seconds=60), DigestStep(key="gather", seconds=60, by="data.order"), SHOW)
)
MAIL = {"email": "bounced@example.com"}


@pytest.fixture
async def database(shared_brokers: Brokers) -> AsyncIterator[Database]:
    async with open_database(shared_brokers.mongo, f"t_{uuid4().hex[:10]}") as found:
        await fill(found)
        yield found


async def fill(database: Database) -> None:
    """Ada is subscribed and quiet, eve's address is suppressed, bob was deleted and is back, gone is deleted."""
    writer, topics = MemoryPublisher(), Topics()
    for user, addresses in (("ada", a.ADDRESSES), ("eve", MAIL), ("bob", {}), ("gone", {})):
        change = partial(_addressed, addresses)
        await profiles.write(database, writer, topics, tenant="acme", user=user, change=change)
    for user in ("bob", "gone"):
        await profiles.remove(database, writer, topics, tenant="acme", user=user)
    await profiles.Lives(database).settle({"acme:bob": 1, "acme:gone": 1})  # `decide` has met both
    await profiles.write(database, writer, topics, tenant="acme", user="bob", change=partial(_addressed, {}))
    for address in (*address_ids(MAIL), *address_ids({"email": "inline@example.com"})):
        await Suppressions(database).put(
            Suppression(tenant="acme", address=address, reason=SuppressionReason.BOUNCED, created_at=1, by="t")
        )
    await Subscriptions(database).put("acme", "news", {"ada": 0, "bob": 0}, Preferences(channel_types={"email": False}))
    await Cancellations(database).cancel("acme", "k")
    for tenant, cap in ((ENVIRONMENT, FrequencyCap(most=9, seconds=60)), ("acme", FrequencyCap(most=1, seconds=60))):
        change_tenant = partial(_capped, cap)
        await tenants.write(database, writer, topics, tenant=tenant, change=change_tenant)


def _addressed(addresses: dict[str, str], profile: Any) -> Any:
    return msgspec.structs.replace(profile, addresses=addresses, zone="Europe/Berlin", quiet_hours=a.NIGHTS)


def _capped(cap: FrequencyCap, settings: Any) -> Any:
    return msgspec.structs.replace(settings, caps=(cap,), stops=(Stop(workflow="other", since=1),))


def notifications() -> list[Notification]:
    """One for each who is known, and who is not; each id of its own, as histories are by user."""
    inline = [
        a.notification(id="n-inline", user="p-1", contact=Contact(addresses={"email": "inline@example.com"})),
        a.notification(id="n-owned", user="p-2", contact=Contact(addresses=MAIL)),
    ]
    users = [a.notification(id=f"n-{user}", user=user) for user in ("ada", "eve", "bob", "gone", "nobody")]
    special = [
        a.notification(id="n-topic", topic="news"),
        a.notification(id="n-other", user="bob", topic="news"),
        a.notification(id="n-cancelled", cancellation_key="k", collapse_key="c"),
    ]
    return [
        msgspec.structs.replace(one, accepted_at=NOW - 1, expires_at=NOW + a.DAY) for one in (*users, *inline, *special)
    ]


async def by_the_router(database: Database, about: Sequence[Notification]) -> list[RoutingInput]:
    catalog = MemoryCatalog()
    catalog.publish("acme", WORKFLOW)
    suppressions = Suppressions(database)
    inputs = Inputs(
        catalog=catalog,
        profiles=ProfileCache(
            partial(profiles.read_many, database), suppressions=suppressions, size=100, ttl_ms=60_000
        ),
        tenants=TenantCache(partial(tenants.read_many, database), ttl_ms=60_000),
        owners=AddressOwners(database),
        cancellations=Cancellations(database),
        subscriptions=Subscriptions(database),
        suppressions=suppressions,
        spread_ms=0,
    )
    inbound = [InboundRecord(notify(one), one, Coordinates("t", 0, place)) for place, one in enumerate(about)]
    found = [each for each, _ in await inputs.load(inbound, NOW)]
    asks = [asked(each) for each in found]
    book = HistoryBook(await Histories(database).load([ask for ask in asks if ask is not None]))
    return [
        each if ask is None else msgspec.structs.replace(each, history=book.view(ask))
        for each, ask in zip(found, asks, strict=True)
    ]


async def test_both_ask_the_same(database: Database) -> None:
    about = notifications()
    mine = await DecidingInputs(database).load(about, WORKFLOW, NOW)
    routers = await by_the_router(database, about)
    for one, other in zip(mine, routers, strict=True):
        assert one == other, one.notification.id
    by_id = {each.notification.id: each for each in mine}
    assert by_id["n-ada"].profile is not None, "the comparison is of something"
    assert (by_id["n-gone"].profile, by_id["n-gone"].life, by_id["n-bob"].life) == (None, 1, 1)
    assert by_id["n-eve"].suppressed == by_id["n-inline"].suppressed == ("email",)
    assert by_id["n-owned"].owner is not None
    assert by_id["n-topic"].subscription is not None
    assert by_id["n-other"].subscription is None, "of bob's life before"
    assert by_id["n-cancelled"].cancel_count > 0
    tenant, history = by_id["n-ada"].tenant, by_id["n-ada"].history
    assert tenant is not None
    assert [cap.most for cap in tenant.caps] == [9, 1]
    assert history is not None
    assert len(history.counters) == 3, "the throttle's and both caps'"


@pytest.mark.parametrize("place", [("profiles", "acme:ada"), ("tenants", "acme")])
async def test_what_only_a_newer_version_reads_is_nobodys_to_foresee(
    database: Database, place: tuple[str, str]
) -> None:
    await database[place[0]].update_one({"_id": place[1]}, {"$set": {"format": a.NEWER}})
    with pytest.raises(NewerFormat):
        await DecidingInputs(database).load(notifications(), WORKFLOW, NOW)


async def test_nobody_is_nothing_to_load(database: Database) -> None:
    assert await DecidingInputs(database).load([], WORKFLOW, NOW) == []
