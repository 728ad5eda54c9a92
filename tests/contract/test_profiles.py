"""Stored profiles, as the router and delivery read them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from shared.model.formats import NewerFormat
from shared.model.profiles import DigestFrequency, Preferences, Profile
from shared.model.topics import Topics
from shared.mongo import profiles as stored
from tests.support import samples as a
from tests.support.twins.profiles import MemoryProfiles
from tests.support.twins.publisher import MemoryPublisher

Put = Callable[[Profile], Awaitable[Profile]]


@pytest.fixture
def profiles(implementation: str, request: pytest.FixtureRequest) -> Any:
    if implementation == "twin":
        return MemoryProfiles()
    database = request.getfixturevalue("database")
    return SimpleNamespace(read_many=partial(stored.read_many, database), versions=partial(stored.versions, database))


@pytest.fixture
def put(implementation: str, profiles: Any, request: pytest.FixtureRequest) -> Put:
    """Stores a profile under its next version, and returns it so."""
    database = request.getfixturevalue("database") if implementation == "real" else None

    async def make(profile: Profile) -> Profile:
        if database is None:
            profiles.put(profile)
            return profile
        return await stored.write(
            database, MemoryPublisher(), Topics(), tenant=profile.tenant, user=profile.user, change=lambda _: profile
        )

    return make


async def test_who_has_none_is_left_out(profiles: Any, put: Put) -> None:
    ada = await put(a.profile(version=1, quiet_hours=a.NIGHTS))
    bob = await put(a.profile(user="bob", version=1, addresses={}))
    found = await profiles.read_many(["acme:ada", "acme:bob", "acme:eve", "other:ada"])
    assert found == {"acme:ada": ada, "acme:bob": bob}
    assert found["acme:ada"].quiet_hours == a.NIGHTS
    assert await profiles.read_many([]) == {}


async def test_a_later_profile_has_another_version(profiles: Any, put: Put) -> None:
    first = await put(a.profile(version=1))
    second = await put(a.profile(version=2, locale="de"))
    assert first.version < second.version
    assert await profiles.versions(["acme:ada", "acme:eve"]) == {"acme:ada": second.version}


@pytest.mark.real
async def test_what_an_older_version_would_lose_is_stamped_and_no_longer_when_it_is_gone(database: Any) -> None:
    async def write(**changes: Any) -> Profile:
        return await stored.write(
            database, MemoryPublisher(), Topics(), tenant="acme", user="ada", change=lambda _: a.profile(**changes)
        )

    async def number() -> int | None:
        return (await database.profiles.find_one({"user": "ada"})).get("format")

    for changes in ({"mute_until": 5}, {"preferences": Preferences(digests={"*": DigestFrequency.WEEKLY})}):
        written = await write(**changes)
        assert await number() == 2
        assert await stored.read(database, "acme", "ada") == written
        assert (await write()).mute_until is None
        assert await number() is None


@pytest.mark.real
async def test_a_put_mends_what_cannot_be_read_and_nothing_else_does(database: Any) -> None:
    publisher = MemoryPublisher()
    place: dict[str, Any] = {"tenant": "acme", "user": "ada"}
    kept = Preferences(categories={"news": False})
    before = await stored.write(database, publisher, Topics(), **place, change=lambda _: a.profile(preferences=kept))
    await database.profiles.update_one(place, {"$set": {"addresses": 5, "preferences.workflows": {"x": "no"}}})
    with pytest.raises(msgspec.ValidationError):
        await stored.write(database, publisher, Topics(), **place, change=lambda found: found)
    mended = await stored.write(
        database,
        publisher,
        Topics(),
        **place,
        change=lambda found: msgspec.structs.replace(found, addresses={"email": "new@example.com"}),
        mends=True,
    )
    assert (mended.preferences, mended.version) == (kept, before.version + 1)
    assert await stored.read(database, "acme", "ada") == mended
    await database.profiles.update_one(place, {"$set": {"format": a.NEWER}})
    with pytest.raises(NewerFormat):
        await stored.write(database, publisher, Topics(), **place, change=lambda found: found, mends=True)
