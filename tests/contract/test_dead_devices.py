"""Dead devices leave the profile they were found in: over the twin and the real collection."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.model.dead_devices import DeadDevice
from shared.model.devices import devices_of
from shared.model.lives import CLOCKS_APART_MS
from shared.model.profiles import Profile
from shared.model.topics import Topics
from shared.mongo import profiles as stored
from shared.mongo.database import Database
from shared.mongo.dead_devices import DeadDevices
from shared.process.clock import now_ms
from tests.support import samples as a
from tests.support.twins.dead_devices import MemoryDeadDevices
from tests.support.twins.profiles import MemoryProfiles
from tests.support.twins.publisher import MemoryPublisher

PHONE, TABLET = {"platform": "fcm", "token": "token-of-phone"}, {"platform": "apns", "token": "ab" * 32, "app": "4.2"}
BOTH = (PHONE, TABLET)


class Twin:
    """Profiles and devices in memory."""

    def __init__(self) -> None:
        self.profiles = MemoryProfiles()
        self.devices = MemoryDeadDevices(self.profiles)

    async def put(self, **changes: Any) -> Profile:
        found = await self.profiles.read_many(["acme:ada"])
        before = found.get("acme:ada")
        profile = a.profile(version=before.version + 1 if before else 1, **changes)
        self.profiles.put(profile, at=now_ms())
        return profile

    async def read(self) -> Profile:
        return (await self.profiles.read_many(["acme:ada"]))["acme:ada"]


class Real:
    """The collection."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.devices = DeadDevices(database)

    async def put(self, **changes: Any) -> Profile:
        wanted = a.profile(**changes)
        return await stored.write(
            self.database, MemoryPublisher(), Topics(), tenant="acme", user="ada", change=lambda _: wanted
        )

    async def read(self) -> Profile:
        return (await stored.read_many(self.database, ["acme:ada"]))["acme:ada"]


@pytest.fixture
def scene(implementation: str, request: pytest.FixtureRequest) -> Twin | Real:
    return Twin() if implementation == "twin" else Real(request.getfixturevalue("database"))


def dead(profile: Profile, address: str = "fcm:token-of-phone", **changes: Any) -> DeadDevice:
    known: dict[str, Any] = {
        "tenant": "acme", "user": "ada", "life": 0, "address": address, "profile_version": profile.version,
        "at": now_ms(),
    }  # fmt: skip
    return DeadDevice(**(known | changes))


async def test_it_leaves_and_what_stands_beside_it_stays(scene: Any) -> None:
    before = await scene.put(devices=BOTH, locale="de")
    assert await scene.devices.remove(dead(before))
    after = await scene.read()
    assert after == msgspec.structs.replace(before, devices=(TABLET,), version=before.version + 1)
    assert await scene.devices.remove(dead(before)), "again: it is in there no more"
    assert (await scene.read()).version == after.version, "and nothing is written"


async def test_the_one_among_the_addresses_leaves_as_well(scene: Any) -> None:
    before = await scene.put(addresses={"device": "fcm:token-of-phone", "email": "ada@example.com"}, devices=(PHONE,))
    assert await scene.devices.remove(dead(before))
    after = await scene.read()
    assert (after.addresses, devices_of(after)) == ({"email": "ada@example.com"}, [])


async def test_each_dead_one_leaves_though_another_left_before(scene: Any) -> None:
    before = await scene.put(devices=BOTH)
    long_ago = now_ms() - 1
    assert await scene.devices.remove(dead(before, at=long_ago))
    assert await scene.devices.remove(dead(before, "apns:" + "ab" * 32, at=long_ago))
    assert (await scene.read()).devices == ()


async def test_one_that_was_given_again_stays(scene: Any) -> None:
    before = await scene.put(devices=BOTH)
    said = dead(before)
    assert await scene.devices.remove(said)
    again = await scene.put(devices=BOTH)
    assert not await scene.devices.remove(said)
    assert await scene.read() == again
    assert not await scene.devices.remove(dead(before, at=again_at(0))), "within what clocks may be apart"
    assert await scene.devices.remove(dead(before, at=again_at(CLOCKS_APART_MS + 1))), "its provider said so later"


def again_at(later: int) -> int:
    return now_ms() + later


async def test_a_provider_that_says_so_of_the_profile_that_was_decided_with_needs_no_clock(scene: Any) -> None:
    before = await scene.put(devices=BOTH)
    assert await scene.devices.remove(dead(before, at=0))


async def test_nothing_of_a_later_life_leaves(scene: Any) -> None:
    before = await scene.put(devices=BOTH)
    assert not await scene.devices.remove(dead(before, life=1))
    assert not await scene.devices.remove(dead(before, user="bob"))
    assert await scene.read() == before


@pytest.mark.real
async def test_a_deleted_user_and_one_that_nobody_here_can_read_are_left_alone(database: Database) -> None:
    scene = Real(database)
    before = await scene.put(devices=BOTH)
    await database.profiles.update_one({"user": "ada"}, {"$set": {"format": a.NEWER}})
    assert not await scene.devices.remove(dead(before))
    await database.profiles.update_one({"user": "ada"}, {"$unset": {"format": ""}, "$set": {"preferences": 5}})
    assert not await scene.devices.remove(dead(before))
    await database.profiles.update_one({"user": "ada"}, {"$set": {"preferences": {}}})
    await stored.remove(database, MemoryPublisher(), Topics(), tenant="acme", user="ada")
    assert not await scene.devices.remove(dead(before))
    assert (await database.profiles.find_one({"user": "ada"})).keys() >= {"deleted"}


@pytest.mark.real
async def test_what_is_no_device_of_ours_stays_in_the_list(database: Database) -> None:
    scene = Real(database)
    before = await scene.put(devices=BOTH)
    odd = [7, {"platform": "pager"}]
    await database.profiles.update_one({"user": "ada"}, {"$push": {"devices": {"$each": odd}}})
    assert await scene.devices.remove(dead(before))
    assert (await database.profiles.find_one({"user": "ada"}))["devices"] == [TABLET, *odd]


@pytest.mark.real
async def test_who_writes_the_profile_meanwhile_is_not_undone(database: Database) -> None:
    scene = Real(database)
    before = await scene.put(devices=BOTH)
    find_one = scene.devices._rows.find_one
    writes = iter([{"locale": "de"}])

    class Between:
        """Somebody writes between what is read and what is written."""

        update_one = scene.devices._rows.update_one

        async def find_one(self, place: Any) -> Any:
            found = await find_one(place)
            for changes in writes:
                await scene.put(devices=BOTH, **changes)
            return found

    scene.devices._rows = Between()
    assert await scene.devices.remove(dead(before, at=now_ms() + CLOCKS_APART_MS + 60_000))
    after = await scene.read()
    assert (after.locale, after.devices) == ("de", (TABLET,))
