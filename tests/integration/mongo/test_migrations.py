"""How long rows are kept: one setting, in force also where there was another one before."""

from __future__ import annotations

from uuid import uuid4

import pytest
from pymongo import ASCENDING, IndexModel

from shared.mongo.database import open_database
from shared.mongo.indexes import DAY
from shared.mongo.migrations import migrate
from tests.support.brokers import Brokers

pytestmark = pytest.mark.timeout(120)
GUARDS = ("decisions", "deliveries", "expansions", "requests")


async def kept(uri: str, name: str) -> dict[str, float]:
    """Days by collection."""
    async with open_database(uri, name) as database:
        found = {each: await database[each].index_information() for each in GUARDS}
    return {each: indexes["created_at_1"]["expireAfterSeconds"] / DAY for each, indexes in found.items()}


async def test_a_key_is_kept_longer_than_what_it_began_whatever_the_setting(shared_brokers: Brokers) -> None:
    uri, name = shared_brokers.mongo, f"t_{uuid4().hex[:10]}"
    async with open_database(uri, name) as database:  # as an earlier release made it
        await database.requests.create_indexes([IndexModel([("created_at", ASCENDING)], expireAfterSeconds=DAY)])
    await migrate(uri, name)
    assert await kept(uri, name) == {"decisions": 35, "deliveries": 35, "expansions": 35, "requests": 36}
    await migrate(uri, name, guard_days=90)
    await migrate(uri, name, guard_days=90)
    assert await kept(uri, name) == {"decisions": 90, "deliveries": 90, "expansions": 90, "requests": 91}
