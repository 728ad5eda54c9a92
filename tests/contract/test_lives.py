"""A user's life in MongoDB: what a deletion leaves, what it erases, and who comes next."""

from __future__ import annotations

import msgspec
import pytest

from services.router.decisions import Decisions
from services.router.profile_cache import _snapshot
from shared.model import inbox, records
from shared.model.lives import Life
from shared.model.profiles import Profile
from shared.model.topics import Topics
from shared.mongo import profiles as stored
from shared.mongo.database import Database
from shared.mongo.inbox_writing import InboxRows, NewInboxRow
from shared.process.clock import now_ms
from tests.support import samples as a
from tests.support.twins.publisher import MemoryPublisher

pytestmark = pytest.mark.real
TOPICS = Topics()
SECRETS = ("ada@example.com", "hooks.example.com", "Lovelace", "Berlin")
FULL = a.profile(name="Ada Lovelace", zone="Europe/Berlin", devices=({"token": "Lovelace"},), quiet_hours=a.NIGHTS)


async def put(database: Database, writer: MemoryPublisher, profile: Profile = FULL) -> Profile:
    return await stored.write(database, writer, TOPICS, tenant="acme", user="ada", change=lambda _: profile)


async def delete(database: Database, writer: MemoryPublisher) -> bool:
    return await stored.remove(database, writer, TOPICS, tenant="acme", user="ada")


def item(offset: int) -> inbox.InboxItem:
    return inbox.InboxItem(id=f"n{offset}", workflow="w", offset=offset, created_at=1, title="Dear Lovelace")


async def everything(database: Database) -> str:
    rows: list[object] = []
    for name in await database.list_collection_names():
        rows += await database[name].find().to_list(None)
    return str(rows)


async def test_nothing_of_the_person_is_left_in_any_collection(database: Database) -> None:
    writer = MemoryPublisher()
    await put(database, writer)
    asked = a.routing_input(profile=FULL)
    decisions = [a.decision(asked), a.decision(asked, records.notify(a.notification(id="n2")))]
    seen = _snapshot(FULL)
    await Decisions(database).insert([msgspec.structs.replace(each, snapshot=seen) for each in decisions])
    assert [row["items"][0]["name"] async for row in database.decisions.find()] == [FULL.name] * 2
    await InboxRows(database).insert(
        [NewInboxRow("d1", "acme", "ada", item(1)), NewInboxRow("d2", "acme", "bob", item(2))]
    )
    before = await everything(database)
    assert all(secret in before for secret in SECRETS)
    assert await delete(database, writer)
    after = await everything(database)
    assert [secret for secret in SECRETS if secret in after] == ["Lovelace"], "in bob's inbox"
    assert "Lovelace" not in str(await database.decisions.find().to_list(None))
    assert await database.inbox.count_documents({"user": "ada"}) == 0
    assert await database.inbox.count_documents({"user": "bob"}) == 1
    assert await database.decisions.count_documents({"erased": True}) == await database.decisions.count_documents({})


async def test_each_deletion_begins_the_next_life_and_versions_grow(database: Database) -> None:
    writer = MemoryPublisher()
    versions = []
    for number in range(3):
        written = await put(database, writer)
        assert written.life.number == number
        versions.append(written.version)
        assert await delete(database, writer)
        assert await stored.read(database, "acme", "ada") is None
        versions += (await stored.versions(database, ["acme:ada"])).values()
    assert versions == sorted(set(versions))
    life = await stored.life_of(database, "acme", "ada")
    assert (life.number, life.settled) == (3, False)
    assert await stored.life_of(database, "acme", "bob") == Life()


async def test_the_router_and_the_sockets_are_told_and_repeating_tells_them_again(database: Database) -> None:
    writer = MemoryPublisher()
    assert not await delete(database, writer)
    await put(database, writer)
    for found in (True, False):
        assert await delete(database, writer) is found
        assert records.decode_record(writer.on(TOPICS.notifications)[-1].value).life == 1
        event = inbox.decode(writer.on(TOPICS.inbox)[-1].value or b"")
        assert (event.change, event.life) == (inbox.Change.ERASED, 1)


async def test_a_later_life_keeps_its_own_when_the_deletion_is_repeated(database: Database) -> None:
    writer = MemoryPublisher()
    await put(database, writer)
    await delete(database, writer)
    await InboxRows(database).insert(
        [NewInboxRow("late", "acme", "ada", item(1)), NewInboxRow("next", "acme", "ada", item(2), 1)]
    )
    await delete(database, writer)
    assert [row["_id"] async for row in database.inbox.find()] == ["next"]


async def test_whoever_comes_next_is_told_to_the_router_under_the_new_life_and_above_all_versions(
    database: Database,
) -> None:
    """A delivery of before compares versions only: an equal one would count as unchanged."""
    writer = MemoryPublisher()
    before = await put(database, writer)
    assert before.version > now_ms() - 60_000, "above what an earlier release may have given to a deleted one"
    await delete(database, writer)
    await put(database, writer)
    told = [records.decode_record(output.value).life for output in writer.on(TOPICS.notifications)]
    assert told == [0, 1, 1]


async def test_only_its_own_record_settles_a_life(database: Database) -> None:
    writer = MemoryPublisher()
    await put(database, writer)
    await delete(database, writer)
    lives = stored.Lives(database)
    for number, settled in ((0, False), (2, False), (1, True), (1, True)):
        await lives.settle({"acme:ada": number})
        assert (await stored.life_of(database, "acme", "ada")).settled is settled
    written = await put(database, writer, a.profile())
    assert (written.life.number, written.life.settled, written.deleted) == (1, True, False)
    assert (await stored.read_many(database, ["acme:ada"]))["acme:ada"] == written


async def test_what_was_decided_between_a_deletion_and_its_record_is_erased_when_decide_meets_it(
    database: Database,
) -> None:
    writer = MemoryPublisher()
    await put(database, writer)
    await delete(database, writer)
    await Decisions(database).insert([a.decision(a.routing_input(profile=FULL))])
    await InboxRows(database).insert([NewInboxRow("d1", "acme", "ada", item(1))])
    between = await everything(database)
    assert any(secret in between for secret in SECRETS)
    await stored.Lives(database).settle({"acme:ada": 1})
    after = await everything(database)
    assert [secret for secret in SECRETS if secret in after] == []
