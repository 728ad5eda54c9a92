"""How a real collection of holds is claimed: by several at once, by tenants when more is due than fits, as it is marked."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import msgspec
import pytest

from shared.model.holds import Hastening, Hold
from shared.model.records import decode_record
from shared.mongo.database import Database
from shared.mongo.hold_claims import OLDEST_BY_TENANT
from shared.mongo.holds import Holds
from shared.mongo.indexes import INDEXES
from tests.contract.test_holds import MINUTE, claim, hold

pytestmark = pytest.mark.real


async def test_instances_at_once_share_what_is_due(database: Database) -> None:
    await Holds(database).insert([hold(f"s{number}", user=f"user-{number}") for number in range(300)])

    async def drain(holds: Holds) -> list[str]:
        taken: list[str] = []
        while won := (await claim(holds, most=10))[1]:
            taken += won
        return taken

    taken = await asyncio.gather(*(drain(Holds(database)) for _ in range(3)))
    assert sorted(name for some in taken for name in some) == sorted(f"s{number}" for number in range(300))
    assert sum(map(bool, taken)) > 1


async def test_when_more_is_due_than_fits_each_tenant_has_its_share(database: Database) -> None:
    await database.holds.create_indexes(INDEXES["holds"])
    holds = Holds(database)
    many = [hold(f"many-{number}", 60_000) for number in range(60)]
    few = [of_tenant("few", hold(f"few-{number}", 10)) for number in range(5)]
    another = [of_tenant("another", hold(f"another-{number}", 10)) for number in range(30)]
    await holds.insert([*many, *few, *another])
    first, second = (await claim(holds, most=20))[1], (await claim(holds, most=20))[1]
    assert {name.partition("-")[0] for name in first} == {"many"}, "the oldest, as long as nobody knows of more"
    shares = Counter(name.partition("-")[0] for name in second)
    assert shares["few"] == 5
    assert min(shares["another"], shares["many"]) >= 6
    left = [name for _ in range(4) for name in (await claim(holds, most=20))[1]]
    assert len({*first, *second, *left}) == 95


async def test_who_has_due_holds_is_read_from_one_entry_of_the_index_for_each_tenant(database: Database) -> None:
    await database.holds.create_indexes(INDEXES["holds"])
    await Holds(database).insert([of_tenant(f"t{number % 3}", hold(f"s{number}")) for number in range(300)])
    await database.command("aggregate", "holds", pipeline=OLDEST_BY_TENANT, cursor={})
    plan = await database.command(
        "explain", {"aggregate": "holds", "pipeline": OLDEST_BY_TENANT, "cursor": {}}, verbosity="executionStats"
    )
    assert "DISTINCT_SCAN" in str(plan)
    assert "FETCH" not in str(plan["stages"][0]["$cursor"]["queryPlanner"]["winningPlan"])


async def test_what_is_marked_between_the_look_and_the_claim_comes_back_marked(database: Database) -> None:
    holds = Holds(database)
    await holds.insert([hold("marked"), hold("other")])
    claims, look = holds._claims, holds._claims._look

    async def then_marked(*arguments: Any) -> Any:
        found = await look(*arguments)
        await holds.hasten_users({"acme:ada": Hastening()})
        return found

    claims._look = then_marked
    won = [one for _ in range(2) for one in (await holds.claim(most=9, lease=MINUTE))[1]]
    assert sorted(decode_record(one.record).due is None for one in won) == [True, True]


def of_tenant(tenant: str, one: Hold) -> Hold:
    record = msgspec.structs.replace(one.record, tenant=tenant, subject=f"{one.record.subject}")
    return msgspec.structs.replace(one, record=record)
