"""Values of the hot path hold no cycle and so are nothing to the collector, whose looks cost with all that lives."""

from __future__ import annotations

import gc

from services.router.profile_cache import ProfileCache
from shared.deciding.facts import Facts
from shared.deciding.items import Deliver
from shared.deciding.steps.run import StepRun
from shared.model import ids, records
from tests.support import samples as a
from tests.support.twins.suppressions import MemorySuppressions


async def test_the_collector_does_not_know_the_values_of_a_decision() -> None:
    asked = a.routing_input(profile=a.profile(quiet_hours=a.NIGHTS))
    decision = a.decision(asked)
    record = records.decode_record(records.encode(records.notify(asked.notification)))
    delivery = a.delivery()
    run = StepRun(inputs=asked, workflow=a.workflow(), step=a.workflow().steps[0], facts=Facts(asked))
    assert any(isinstance(item, Deliver) for item in decision.items)
    values = [asked, asked.notification, asked.profile, asked.profile.preferences, asked.profile.quiet_hours]  # type: ignore[union-attr]
    values += [decision, *decision.items, record, record.notification, delivery, run]
    assert [value for value in values if gc.is_tracked(value)] == []


async def test_nor_what_is_known_of_200_000_users() -> None:
    async def read(keys: list[str]) -> dict[str, object]:
        return {key: a.profile() for key in keys}

    cache = ProfileCache(read, suppressions=MemorySuppressions(), size=10, ttl_ms=1000)  # type: ignore[arg-type]
    key = ids.user_key("acme", "ada").decode()
    known = (await cache.load([key], a.NOON))[key]
    assert not gc.is_tracked(known)
    assert dict(known.snapshot)["version"] == known.profile.version  # type: ignore[union-attr]
    assert (await cache.load([key], a.NOON))[key].snapshot is known.snapshot
