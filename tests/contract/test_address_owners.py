"""Who has an address, as the router asks it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from shared.model import formats
from shared.model.lives import Life
from shared.model.notifications import Contact
from shared.model.owners import Owner, address_ids
from shared.model.profiles import Preferences, Profile
from shared.model.topics import Topics
from shared.mongo import profiles as stored
from shared.mongo.address_owners import MAX_HOLDERS, AddressOwners
from shared.mongo.indexes import INDEXES
from tests.support import samples as a
from tests.support.twins.address_owners import MemoryAddressOwners
from tests.support.twins.profiles import MemoryProfiles
from tests.support.twins.publisher import MemoryPublisher

Put = Callable[[Profile], Awaitable[None]]
NO_MAIL = Preferences(channel_types={"email": False})


@pytest.fixture
def twin() -> MemoryProfiles:
    return MemoryProfiles()


@pytest.fixture
def owners(implementation: str, twin: MemoryProfiles, request: pytest.FixtureRequest) -> Any:
    return MemoryAddressOwners(twin) if implementation == "twin" else AddressOwners(request.getfixturevalue("database"))


@pytest.fixture
def put(implementation: str, twin: MemoryProfiles, request: pytest.FixtureRequest) -> Put:
    database = request.getfixturevalue("database") if implementation == "real" else None

    async def write(profile: Profile) -> None:
        if database is None:
            twin.put(profile)
            return
        place = {"tenant": profile.tenant, "user": profile.user}
        if profile.deleted:
            await stored.remove(database, MemoryPublisher(), Topics(), **place)
        else:
            await stored.write(database, MemoryPublisher(), Topics(), **place, change=lambda _: profile)
        if profile.format > formats.OLDEST:
            await database.profiles.update_one(place, {"$set": {"format": profile.format}})

    return write


def named(tenant: str = "acme", **addresses: str) -> Any:
    return a.notification(tenant=tenant, user="hash", contact=Contact(addresses=addresses) if addresses else None)


async def test_an_address_is_its_users_whatever_its_letter_case(owners: Any, put: Put) -> None:
    await put(a.profile(addresses={"email": "Ada@example.com"}, preferences=NO_MAIL))
    found = await owners.owners([
        named(email="aDa@example.com"), named(), named(email="eve@example.com"),
        named(email="ada@example.com", phone="+4915112345678"), named("other", email="ada@example.com"),
    ])  # fmt: skip
    ada = Owner(user="ada", preferences=NO_MAIL)
    assert found == [ada, None, None, Owner(user="ada", preferences=NO_MAIL, unowned=("phone",)), None]
    assert await owners.owners([]) == []


async def test_an_address_that_was_given_up_is_nobodys(owners: Any, put: Put) -> None:
    await put(a.profile(addresses={"email": "ada@example.com"}))
    await put(a.profile(version=8, addresses={"email": "new@example.com"}))
    await put(a.profile(user="bob", addresses={"email": "bob@example.com"}))
    await put(Profile(tenant="acme", user="bob", deleted=True))
    asked = [named(email=f"{name}@example.com") for name in ("ada", "new", "bob")]
    assert [found and found.user for found in await owners.owners(asked)] == [None, "ada", None]


async def test_what_several_share_is_none_of_theirs_and_obeys_them_all(owners: Any, put: Put) -> None:
    await put(a.profile(addresses={"email": "both@example.com"}, preferences=Preferences(categories={"x": True})))
    both = {"email": "both@example.com", "phone": "+4915112345678"}
    await put(a.profile(user="bob", addresses=both, preferences=Preferences(categories={"x": False, "y": True})))
    (shared, alone) = await owners.owners([named(email="both@example.com"), named(**both)])
    assert shared == Owner(user=None, preferences=Preferences(categories={"x": False, "y": True}))
    assert alone.user == "bob", "the first address that one user alone has decides"


async def test_what_several_share_waits_for_the_last_of_them_who_is_muted(owners: Any, put: Put) -> None:
    for user, until in (("ada", a.NOON), ("bob", a.NIGHT), ("eve", None)):
        await put(a.profile(user=user, addresses={"email": "both@example.com"}, mute_until=until))
    (shared,) = await owners.owners([named(email="both@example.com")])
    assert (shared.user, shared.mute_until) == (None, a.NIGHT)


@pytest.mark.real
async def test_who_cannot_be_read_may_have_forbidden_all(database: Any) -> None:
    for user, broken in (("ada", {"preferences": {"categories": 5}}), ("bob", {"mute_until": "tomorrow"})):
        await _write(database, a.profile(user=user, addresses={"email": f"{user}@example.com"}))
        await database.profiles.update_one({"user": user}, {"$set": broken})
    found = await AddressOwners(database).owners([named(email=f"{user}@example.com") for user in ("ada", "bob")])
    assert [owner and owner.preferences.channel_types["email"] for owner in found] == [False, False]


async def test_one_that_many_have_hides_no_other(owners: Any, put: Put) -> None:
    for number in range(2 * MAX_HOLDERS + 1):
        await put(a.profile(user=f"u{number}", addresses={"webhook": "https://hub.example.com/"}))
    await put(a.profile(addresses={"email": "ada@example.com"}))
    asked = [named(webhook="https://HUB.example.com/"), named(email="ada@example.com")]
    assert [found and found.user for found in await owners.owners(asked)] == [None, "ada"]


@pytest.mark.real
async def test_the_index_serves_it(database: Any) -> None:
    await database.profiles.create_indexes(INDEXES["profiles"])
    plan = await database.profiles.find({"tenant": "acme", "address_ids": {"$in": ["a", "b"]}}).explain()
    assert "IXSCAN" in str(plan["queryPlanner"]["winningPlan"])


async def test_it_says_which_life_of_theirs_has_the_address(owners: Any, put: Put) -> None:
    for deleted, number in ((False, 0), (True, 1), (False, 1)):
        await put(a.profile(addresses={"email": "ada@example.com"}, deleted=deleted, life=Life(number=number)))
    (found,) = await owners.owners([named(email="ada@example.com")])
    assert found == Owner(user="ada", life=1, preferences=Preferences())


async def test_a_profile_that_only_a_newer_version_can_read_is_said_to_be_one(owners: Any, put: Put) -> None:
    await put(a.profile(addresses={"email": "ada@example.com"}, format=a.NEWER))
    await put(a.profile(user="bob", addresses={"email": "ada@example.com"}))
    (found,) = await owners.owners([named(email="ada@example.com")])
    assert (found.user, found.newer) == (None, a.NEWER)


async def test_when_who_has_an_address_last_changed(owners: Any, put: Put) -> None:
    ada, hook, nobodys = (
        address_ids({kind: address})[0]
        for kind, address in (("email", "ada@example.com"), ("webhook", "https://hub.example.com/"), ("phone", "+491"))
    )
    await put(a.profile(addresses={"email": "ada@example.com"}))
    for user in ("bob", "eve"):
        await put(a.profile(user=user, addresses={"webhook": "https://hub.example.com/"}))
    found = await owners.changed_at({"acme": [ada, hook, nobodys], "other": {ada}})
    assert found.keys() == {("acme", ada), ("acme", hook)}
    assert found["acme", hook] >= found["acme", ada]
    assert await owners.changed_at({}) == await owners.changed_at({"acme": []}) == {}


async def _write(database: Any, profile: Profile) -> None:
    place = {"tenant": profile.tenant, "user": profile.user}
    await stored.write(database, MemoryPublisher(), Topics(), **place, change=lambda _: profile)
