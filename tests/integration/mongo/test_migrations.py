"""Migrations: as long as an index takes, one runner at a time, retention as the settings say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest
from pymongo import IndexModel, MongoClient

from shared.model.errors import SchemaOutdated
from shared.model.notifications import Contact
from shared.model.topics import Topics
from shared.mongo import backfill, migrations, profiles
from shared.mongo.address_owners import AddressOwners
from shared.mongo.database import Database, open_client, open_database
from shared.mongo.indexes import DAY, Retention
from shared.mongo.leases import claim_or_create, new_lease
from shared.mongo.migrations import lock, migrate
from shared.mongo.schema import SCHEMA_VERSION, await_schema, check_schema
from tests.support import samples as a
from tests.support.brokers import Brokers
from tests.support.twins.publisher import MemoryPublisher
from tests.support.wait import until


@pytest.fixture
async def database(shared_brokers: Brokers) -> AsyncIterator[Database]:
    async with open_database(shared_brokers.mongo, f"t_{uuid4().hex[:10]}") as found:
        yield found


async def kept_for(database: Database, collection: str) -> list[int]:
    """The seconds that rows of a collection are kept, by its indexes."""
    indexes = [index async for index in database[collection].list_indexes()]
    return [int(index["expireAfterSeconds"]) for index in indexes if "expireAfterSeconds" in index]


async def test_days_that_are_changed_are_changed_where_the_index_is_there(
    database: Database, shared_brokers: Brokers
) -> None:
    for retention in (Retention(inbox=100, cancellations=500), Retention(inbox=40, cancellations=900)):
        assert await migrate(shared_brokers.mongo, database.name, retention) == SCHEMA_VERSION
        assert await kept_for(database, "inbox") == [retention.inbox * DAY]
        assert await kept_for(database, "cancellations") == [retention.cancellations * DAY]


async def test_a_key_is_kept_longer_than_what_it_began_whatever_the_setting(
    database: Database, shared_brokers: Brokers
) -> None:
    await database.requests.create_indexes([IndexModel([("created_at", 1)], expireAfterSeconds=DAY)])  # as in 0.1.0
    for retention in (Retention(), Retention(guards=90)):
        await migrate(shared_brokers.mongo, database.name, retention)
        for guard in ("decisions", "deliveries", "expansions"):
            assert await kept_for(database, guard) == [retention.guards * DAY]
        assert await kept_for(database, "requests") == [(retention.guards + 1) * DAY]


async def test_counters_of_before_are_kept_from_now_on(database: Database, shared_brokers: Brokers) -> None:
    await database.cancellations.insert_one({"_id": "acme:k", "tenant": "acme", "count": 3})
    await migrate(shared_brokers.mongo, database.name)
    row = await database.cancellations.find_one({"_id": "acme:k"})
    assert (row["count"], type(row["changed_at"]).__name__) == (3, "datetime")


async def test_the_lock_lives_as_long_as_its_runner(database: Database) -> None:
    """However long an index takes: a second runner waits."""
    length = timedelta(seconds=0.6)
    async with lock(database, length):
        first = (await database.meta.find_one({"_id": "lock"}))["lease"]

        async def outlived() -> bool:
            lease = await new_lease(database, length)
            assert not await claim_or_create(database.meta, "lock", lease), "somebody else got it"
            return bool(lease.now > first + length)

        await until(outlived, what="a time after the first lease's end")
        second = asyncio.create_task(_hold_once(database, length))
    await second
    assert await database.meta.find_one({"_id": "lock"}) is None


async def _hold_once(database: Database, length: timedelta) -> None:
    async with lock(database, length):
        pass


async def test_building_an_index_is_not_bounded(
    database: Database, shared_brokers: Brokers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client with a bound sends it along with each command, and MongoDB would end the build."""
    opened: list[float | None] = []

    def open_noted(uri: str, **options: int | None) -> object:
        client = open_client(uri, **options)
        opened.append(client.options.timeout)
        return client

    monkeypatch.setattr("shared.mongo.database.open_client", open_noted)
    await migrate(shared_brokers.mongo, database.name)
    assert opened == [None]


async def test_a_service_waits_for_the_schema_and_says_so(database: Database, shared_brokers: Brokers) -> None:
    checks: dict[str, object] = {}
    waiting = asyncio.create_task(await_schema(database, checks))
    check = await until(lambda: _of(checks, "schema"), what="the check")
    with pytest.raises(SchemaOutdated, match="has no schema"):
        await check()
    await database.meta.insert_one({"_id": "schema", "version": SCHEMA_VERSION - 1, "epoch": "e"})
    with pytest.raises(
        SchemaOutdated, match=f"schema version {SCHEMA_VERSION - 1}, this release needs {SCHEMA_VERSION}"
    ):
        await check_schema(database)
    assert not waiting.done()
    await migrate(shared_brokers.mongo, database.name)
    await waiting
    assert checks == {}, "once it serves, readiness is not about the schema"


async def _of(checks: dict[str, object], name: str) -> object:
    return checks.get(name)


async def test_an_older_release_serves_on_a_newer_schema_and_leaves_it(
    database: Database, shared_brokers: Brokers
) -> None:
    await database.meta.insert_one({"_id": "schema", "version": SCHEMA_VERSION + 1, "epoch": "e"})
    await check_schema(database)
    await migrations.migrate(shared_brokers.mongo, database.name)
    assert (await database.meta.find_one({"_id": "schema"}))["version"] == SCHEMA_VERSION + 1


async def put_as_before(database: Database, *users: str) -> None:
    """Profiles as 0.1.0 wrote them."""
    await database.profiles.insert_many(
        {
            "_id": f"acme:{user}",
            "tenant": "acme",
            "user": user,
            "version": 1,
            "addresses": {"email": f"{user}@example.com"},
        }
        for user in users
    )


async def owners_of(database: Database, *users: str) -> list[str | None]:
    asked = [a.notification(user="hash", contact=Contact(addresses={"email": f"{user}@example.com"})) for user in users]
    return [found.user if found else None for found in await AddressOwners(database).owners(asked)]


async def test_users_of_before_are_found_by_their_addresses(
    database: Database, shared_brokers: Brokers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In portions; one that was interrupted is carried on, and what was done is not done again."""
    users = ["ada", "bob", "eve", "kim", "zoe"]
    await put_as_before(database, *users)
    await database.profiles.insert_one({"_id": "acme:gone", "tenant": "acme", "user": "gone", "deleted": True})
    await database.profiles.insert_one({"_id": "acme:odd", "tenant": "acme", "user": "odd", "addresses": {"email": 7}})
    monkeypatch.setattr(backfill, "PORTION", 2)
    assert await owners_of(database, "ada") == [None]
    said: list[str] = []

    def interrupted(line: str) -> None:
        said.append(line)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await migrate(shared_brokers.mongo, database.name, progress=interrupted)
    with pytest.raises(SchemaOutdated):
        await check_schema(database)
    assert await owners_of(database, "ada", "bob", "eve") == ["ada", "bob", None]
    await migrate(shared_brokers.mongo, database.name, progress=said.append)
    assert await owners_of(database, *users) == users
    assert [line.split()[0] for line in said] == ["2", "2", "4"]
    assert "address_ids" not in await database.profiles.find_one({"_id": "acme:gone"})
    await migrate(shared_brokers.mongo, database.name, progress=said.append)
    assert len(said) == 3, "nothing is left to do"


async def test_a_profile_that_changes_during_the_backfill_keeps_what_was_written(
    database: Database, shared_brokers: Brokers, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put_as_before(database, "ada")
    compute = backfill.address_ids

    def meanwhile(addresses: dict[str, str]) -> list[str]:
        """Between the look and the write, another process writes."""
        with MongoClient(shared_brokers.mongo) as other:
            changed = {"addresses": {"email": "new@example.com"}, "address_ids": compute({"email": "new@example.com"})}
            other[database.name].profiles.update_one({"_id": "acme:ada"}, {"$set": changed, "$inc": {"version": 1}})
        return compute(addresses)

    monkeypatch.setattr(backfill, "address_ids", meanwhile)
    await migrate(shared_brokers.mongo, database.name)
    assert await owners_of(database, "ada", "new") == [None, "ada"]
    row = await database.profiles.find_one({"_id": "acme:ada"})
    assert row["address_ids"] == compute({"email": "new@example.com"})


async def test_what_an_older_release_left_behind_makes_nobody_an_owner(
    database: Database, shared_brokers: Brokers
) -> None:
    """It changes addresses, and knows of no `address_ids`."""
    await put_as_before(database, "ada")
    await migrate(shared_brokers.mongo, database.name)
    await database.profiles.update_one({"_id": "acme:ada"}, {"$set": {"addresses": {"email": "new@example.com"}}})
    assert await owners_of(database, "ada") == [None]


async def test_no_address_outlives_its_user_in_the_index(database: Database, shared_brokers: Brokers) -> None:
    await put_as_before(database, "ada")
    await migrate(shared_brokers.mongo, database.name)
    row = await database.profiles.find_one({"_id": "acme:ada"})
    assert len(row["address_ids"]) == 1
    assert "ada@example.com" not in row["address_ids"][0], "what is looked up is logged by MongoDB where it is slow"
    await profiles.remove(database, MemoryPublisher(), Topics(), tenant="acme", user="ada")
    assert await database.profiles.find_one({"_id": "acme:ada"}, {"address_ids": 1, "addresses": 1}) == {
        "_id": "acme:ada"
    }
