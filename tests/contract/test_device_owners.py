"""A device is one user's: who registers it has it alone. Found by an index, also in rows of older releases."""

from __future__ import annotations

from typing import Any

import pytest

from shared.model.devices import device_id
from shared.model.profiles import Profile
from shared.model.records import Kind, decode_record
from shared.model.topics import Topics
from shared.mongo import profiles as stored
from shared.mongo.backfill import backfill_device_ids
from shared.mongo.database import Database
from shared.mongo.dead_devices import DeadDevices
from shared.mongo.device_owners import DeviceOwners
from shared.mongo.indexes import INDEXES
from tests.contract.test_dead_devices import dead
from tests.support import samples as a
from tests.support.twins.publisher import MemoryPublisher

pytestmark = pytest.mark.real
TOPICS = Topics()
PHONE, TABLET = {"platform": "fcm", "token": "token-of-phone", "app": "4"}, {"platform": "apns", "token": "ab" * 32}
SAME = {"platform": "fcm", "token": "token-of-phone"}


class Scene:
    """Profiles, and what was told of them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.log = MemoryPublisher()
        self.owners = DeviceOwners(database, self.log, TOPICS)

    async def put(self, user: str, *devices: dict[str, str], tenant: str = "acme", **fields: Any) -> None:
        wanted = a.profile(devices=devices, **fields)
        await stored.write(self.database, MemoryPublisher(), TOPICS, tenant=tenant, user=user, change=lambda _: wanted)

    async def of(self, user: str, tenant: str = "acme") -> Profile:
        profile = await stored.read(self.database, tenant, user)
        assert profile is not None
        return profile


@pytest.fixture
def scene(database: Database) -> Scene:
    return Scene(database)


async def test_it_leaves_everybody_else_of_the_tenant_who_is_told_to_the_router(scene: Scene) -> None:
    await scene.put("ada", PHONE)
    await scene.put("bob", TABLET, PHONE, locale="de")
    await scene.put("eve", addresses={"device": "fcm:token-of-phone", "email": "eve@example.com"})
    await scene.put("ann", PHONE, tenant="other")
    await scene.put("joe", TABLET)
    assert await scene.owners.take_from_others("acme", "ada", SAME) == 2
    assert (await scene.of("ada")).devices == (PHONE,)
    bob = await scene.of("bob")
    assert (bob.devices, bob.locale) == ((TABLET,), "de")
    assert (await scene.of("eve")).addresses == {"email": "eve@example.com"}
    assert (await scene.of("ann", "other")).devices == (PHONE,)
    assert (await scene.of("joe")).devices == (TABLET,)
    told = [decode_record(record.value or b"") for record in scene.log.on(TOPICS.notifications)]
    assert sorted((record.user, record.kind) for record in told) == [
        ("bob", Kind.PROFILE_CHANGED),
        ("eve", Kind.PROFILE_CHANGED),
    ]
    assert await scene.owners.take_from_others("acme", "ada", SAME) == 0, "again: nobody has it"


async def test_who_is_deleted_or_unreadable_is_left_alone(scene: Scene) -> None:
    await scene.put("bob", PHONE)
    await stored.remove(scene.database, MemoryPublisher(), TOPICS, tenant="acme", user="bob")
    await scene.put("eve", PHONE)
    await scene.database.profiles.update_one({"user": "eve"}, {"$set": {"preferences": 5}})
    assert await scene.owners.take_from_others("acme", "ada", SAME) == 0
    assert (await scene.database.profiles.find_one({"user": "bob"}))["deleted"] is True


async def test_an_index_that_was_left_behind_takes_nothing(scene: Scene) -> None:
    """As a release that knows no `device_ids` leaves it, when it changes the devices."""
    await scene.put("bob", PHONE)
    await scene.database.profiles.update_one({"user": "bob"}, {"$set": {"devices": [TABLET]}})
    assert await scene.owners.take_from_others("acme", "ada", SAME) == 0
    assert (await scene.of("bob")).devices == (TABLET,)


async def test_rows_of_older_releases_are_found_once_they_were_migrated(scene: Scene) -> None:
    for user, devices in (("bob", [PHONE, 7, {"platform": 5}]), ("eve", [TABLET]), ("joe", [])):
        await scene.put(user)
        update = {"$set": {"devices": devices}, "$unset": {"device_ids": ""}}
        await scene.database.profiles.update_one({"user": user}, update)
    told: list[str] = []
    await backfill_device_ids(scene.database, told.append)
    assert told == ["2 profiles can be found by their devices now"]
    assert (await scene.database.profiles.find_one({"user": "bob"}))["device_ids"] == [device_id(PHONE)]
    await backfill_device_ids(scene.database, told.append)
    assert len(told) == 1
    await scene.database.profiles.update_one({"user": "bob"}, {"$set": {"devices": [PHONE]}})
    assert await scene.owners.take_from_others("acme", "ada", SAME) == 1


async def test_what_a_dead_device_leaves_is_found_no_more(scene: Scene) -> None:
    await scene.put("ada", PHONE, TABLET)
    assert await DeadDevices(scene.database).remove(dead(await scene.of("ada")))
    assert (await scene.database.profiles.find_one({"user": "ada"}))["device_ids"] == [device_id(TABLET)]


async def test_others_are_found_by_indexes(scene: Scene) -> None:
    await scene.database.profiles.create_indexes(INDEXES["profiles"])
    for number in range(20):
        await scene.put(f"u{number}", {"platform": "fcm", "token": f"token-{number:04}"})
    for named in ({"device_ids": "x"}, {"address_ids": "device:x"}):
        told = await scene.database.profiles.find({"tenant": "acme"} | named).explain()
        assert "COLLSCAN" not in str(told["queryPlanner"]["winningPlan"])
        assert told["executionStats"]["totalDocsExamined"] == 0
