"""Tenants' settings on their way to the rules, and what stops hold when they change."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
import time_machine
from structlog.testing import capture_logs

from services.router.core.inbound import read
from services.router.tenant_cache import TenantCache
from shared.model.errors import MongoUnavailable
from shared.model.formats import NewerFormat
from shared.model.holds import Cause, Hold
from shared.model.records import Kind, Record, decode_record, notify, tenant_changed
from shared.model.steps import DigestStep
from shared.model.tenants import ENVIRONMENT, Stop, TenantSettings
from shared.mongo import held_by_stops
from tests.support import samples as a
from tests.support.twins.tenants import MemoryTenants
from tests.unit.router.runs import Runs
from tests.unit.router.scenes import TOPICS, DecideStores, at, carry, new
from tests.unit.router.test_runs import HOUR, SHOW, about, items_of, workflow

pytestmark = pytest.mark.usefixtures("clock")
ACME = TenantSettings(tenant="acme", version=1, brand={"logo": "one"})
ENV = TenantSettings(tenant=ENVIRONMENT, version=5)


def cache(stored: MemoryTenants, most: int = 10) -> TenantCache:
    return TenantCache(stored.read_many, ttl_ms=60_000, most=most)


async def test_what_is_known_is_not_read_again_until_it_is_evicted_or_old() -> None:
    stored = MemoryTenants(ACME)
    known = cache(stored)
    assert await known.load(["acme", "acme", "other"], 0) == {"acme": ACME, "other": None}
    await known.load(["acme", "other"], 59_999)
    assert stored.reads == 1
    await known.load(["acme"], 60_000)
    assert stored.reads == 2
    known.evict(["other"])
    await known.load(["acme"], 60_001)
    assert stored.reads == 2
    known.evict(["acme"])
    await known.load(["acme"], 60_002)
    assert stored.reads == 3


async def test_the_environment_counts_for_all_and_its_change_forgets_all() -> None:
    stored = MemoryTenants(ACME)
    known = cache(stored)
    await known.load(["acme", "other"], 0)
    stored.put(ENV)
    assert (await known.load(["acme"], 1))["acme"] == ACME
    known.evict([ENVIRONMENT])
    assert await known.load(["acme", "other"], 2) == {
        "acme": msgspec.structs.replace(ACME, version=6), "other": TenantSettings(tenant="other", version=5),
    }  # fmt: skip


async def test_what_was_read_before_a_change_and_answered_after_it_is_not_kept() -> None:
    """What stops hold is looked at while the next records are decided: each of the two reads for itself."""
    stopped = msgspec.structs.replace(ACME, version=2, stops=(Stop(),))
    first, second = asyncio.Event(), asyncio.Event()
    answers = iter([(ACME, first), (stopped, second)])

    async def read_many(tenants: Iterable[str]) -> dict[str, TenantSettings]:
        found, answered = next(answers)
        await answered.wait()
        return dict.fromkeys(tenants, found)

    known = TenantCache(read_many, ttl_ms=60_000)
    reading = asyncio.create_task(known.load(["acme"], 0))
    await asyncio.sleep(0)
    known.evict(["acme"])
    second.set()
    assert await known.load(["acme"], 1) == {"acme": stopped}
    first.set()
    assert await reading == {"acme": ACME}
    assert await known.load(["acme"], 2) == {"acme": stopped}


async def test_partitions_that_move_forget_all_and_memory_is_bounded() -> None:
    stored = MemoryTenants(ACME)
    known = cache(stored, most=2)
    await known.load(["acme", "b", "c"], 0)
    for tenant in ("acme", "b", "c"):
        await known.load([tenant], 0)
    assert stored.reads > 1, "not all were kept"
    before = stored.reads
    known.clear()
    await known.load(["c"], 0)
    assert stored.reads == before + 1


async def test_who_does_not_know_waits() -> None:
    stored = MemoryTenants(ACME)
    stored.outages.add()
    with pytest.raises(MongoUnavailable):
        await cache(stored).load(["acme"], 0)


class Scene(DecideStores):
    """What `decide` holds because of a stop, written as it writes it."""

    def hold(self, subject: str, **about: Any) -> Hold:
        notification = a.notification(**{"id": subject} | about)
        record = Record(
            kind=Kind.RELEASE, tenant=notification.tenant, user="ada", subject=subject, pass_=1,
            due=notification.expires_at, notification=notification, format=2,
        )  # fmt: skip
        return Hold(cause=Cause.STOPPED, due=notification.expires_at, record=record)

    @property
    def due(self) -> dict[str, bool]:
        """By subject what goes on, and whether it is cancelled."""
        return {
            row.hold.record.subject: row.hold.record.cancelled for row in self.holds.rows.values() if row.due <= a.NOON
        }


async def test_settings_that_only_a_newer_version_reads_wait_for_it() -> None:
    stores = DecideStores()
    stores.tenants.put(msgspec.structs.replace(ACME, format=a.NEWER))
    with pytest.raises(NewerFormat) as newer:
        await stores.decider().prepare([new(0)])
    assert newer.value.at is not None


async def test_a_lifted_stop_releases_what_was_held_before_it_was_met() -> None:
    stores = Scene()
    stores.tenants.put(msgspec.structs.replace(ACME, stops=(Stop(workflow="c.d"),)))
    await stores.holds.insert([stores.hold("one"), stores.hold("two", workflow="c.d"), stores.hold("else", tenant="b")])
    await carry(stores.decider(), at(0, tenant_changed("acme")))
    assert stores.due == {"one": False}
    assert not stores.publisher.written, "there is no more"


async def test_a_decider_that_knew_the_stop_forgets_it_with_the_chunk() -> None:
    stores = Scene()
    stores.tenants.put(msgspec.structs.replace(ACME, stops=(Stop(),)))
    decider = stores.decider()
    await carry(decider, new(0))
    await stores.holds.insert([stores.hold("one")])
    stores.tenants.put(ACME)
    await carry(decider, at(1, tenant_changed("acme")))
    assert "one" in stores.due


async def test_a_cancel_ends_what_was_accepted_by_then() -> None:
    stores = Scene()
    await stores.holds.insert([stores.hold("then"), stores.hold("later", accepted_at=a.NOON + 1)])
    cancel = Stop(since=a.notification().accepted_at)
    await carry(stores.decider(), at(0, tenant_changed("acme", (cancel,))), at(1, tenant_changed("acme")))
    assert stores.due == {"then": True, "later": False}


async def test_a_change_met_beside_a_piece_of_an_earlier_one_looks_at_all() -> None:
    stores = Scene()
    await stores.holds.insert([stores.hold("one")])
    await carry(stores.decider(), at(0, tenant_changed("acme", after="z")), at(1, tenant_changed("acme")))
    assert stores.due == {"one": False}


async def test_the_log_says_once_what_is_stopped_and_when_nothing_is_any_more() -> None:
    stores = Scene()
    decider = stores.decider()
    stop = Stop(workflow="c.d")
    with capture_logs() as logged:
        for offset, stops in enumerate([(stop,), (stop,), (), ()]):
            stores.tenants.put(ENV, msgspec.structs.replace(ACME, stops=stops))
            await carry(decider, at(offset, tenant_changed("acme")))
        stores.tenants.put(msgspec.structs.replace(ENV, stops=(Stop(),)))
        await carry(decider, at(9, tenant_changed(ENVIRONMENT)))
    said = [(line["tenant"], line["stops"]) for line in logged if line["event"] == "emergency_stops"]
    assert said == [("acme", ["c.d"]), ("acme", []), (ENVIRONMENT, ["everything"])]


async def test_a_change_of_the_environment_is_everybodys() -> None:
    stores = Scene()
    stores.tenants.put(ENV, msgspec.structs.replace(ACME, stops=(Stop(),)))
    await stores.holds.insert([stores.hold("acme"), stores.hold("b", tenant="b"), stores.hold("c", tenant="c")])
    await carry(stores.decider(), at(0, tenant_changed(ENVIRONMENT)))
    assert stores.due == {"b": False, "c": False}


async def test_many_holds_go_on_with_a_record_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the partition that told of it; other chunks go between."""
    monkeypatch.setattr(held_by_stops, "MAX_SWEPT", 2)
    stores = Scene()
    await stores.holds.insert([stores.hold(f"h{number}") for number in range(5)])
    pieces = 0
    record = tenant_changed("acme", (Stop(workflow="c.d", since=a.NOON),))
    while True:
        await carry(stores.decider(), at(pieces, record))
        pieces += 1
        outputs, stores.publisher.written = stores.publisher.written, []
        if not outputs:
            break
        (output,) = outputs
        assert (output.topic, output.partition) == (TOPICS.notifications, 1)
        record = decode_record(output.value)
        assert record.cancels == (Stop(workflow="c.d", since=a.NOON),)
    assert pieces == 3
    assert len(stores.due) == 5


async def test_the_rules_are_given_what_counts() -> None:
    stores = DecideStores()
    stores.tenants.put(ACME, ENV)
    decider = stores.decider()
    inbound = read([new(0), at(1, notify(a.notification(id="n", tenant="other")))]).inbound
    (ours, _), (theirs, _) = await decider._inputs.load(inbound, a.NOON)
    assert (ours.tenant.version, ours.tenant.brand) == (6, {"logo": "one"})
    assert theirs.tenant.version == 5


async def test_what_a_stop_holds_is_decided_from_where_it_stood(clock: time_machine.Traveller) -> None:
    """A digest that was to close meanwhile closes then, with what it had; what came under the stop opens another."""
    runs = Runs(clock, workflow(DigestStep(key="gather", seconds=3600, max_items=1000), SHOW))
    await runs.send(0, **about(0))
    await runs.send(1, **about(1))
    runs.stores.tenants.put(msgspec.structs.replace(ACME, stops=(Stop(),)))
    await runs.send_records(tenant_changed("acme"))
    assert await runs.release(a.NOON + HOUR) == 1
    await runs.send(2, **about(2))
    assert [hold.cause for hold in runs.stores.holds.held] == [Cause.STOPPED] * 2
    assert runs.statuses("n-2") == ["held"]
    runs.stores.tenants.put(msgspec.structs.replace(ACME, version=2))
    await runs.send_records(tenant_changed("acme"))
    for hours in (1, 3):
        await runs.release(a.NOON + hours * HOUR)
    assert sorted(items_of(delivery.digest) for delivery in runs.deliveries) == [[0, 1], [2]]


async def test_what_is_cancelled_ends_with_a_status_and_nothing_is_sent(clock: time_machine.Traveller) -> None:
    runs = Runs(clock, workflow(SHOW))
    runs.stores.tenants.put(msgspec.structs.replace(ACME, stops=(Stop(),)))
    await runs.send(0)
    runs.stores.tenants.put(msgspec.structs.replace(ACME, version=2))
    await runs.send_records(tenant_changed("acme", (Stop(since=a.NOON),)))
    await runs.release(a.NOON + 1)
    await runs.send(1)
    assert (runs.statuses("n-0"), runs.statuses("n-1")) == (["held", "cancelled"], ["routed"])
    assert [delivery.notification.id for delivery in runs.deliveries] == ["n-1"]
