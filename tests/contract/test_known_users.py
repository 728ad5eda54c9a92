"""Who has a profile, as ingest asks it."""

from __future__ import annotations

from typing import Any

import pytest

from services.ingest.unknown_users import known_users
from shared.model.profiles import Profile
from shared.model.topics import Topics
from shared.mongo import profiles
from tests.support import samples as a
from tests.support.twins.publisher import MemoryPublisher


async def put(database: Any, stored: Profile) -> None:
    place = {"tenant": stored.tenant, "user": stored.user}
    await profiles.write(database, MemoryPublisher(), Topics(), **place, change=lambda _: stored)


@pytest.mark.real
async def test_known_is_who_has_a_profile_in_the_tenant(database: Any) -> None:
    for stored in (a.profile(user="ada"), a.profile(user="bob")):
        await put(database, stored)
    await profiles.remove(database, MemoryPublisher(), Topics(), tenant="acme", user="bob")
    known = known_users(database)
    assert await known("acme", ["ada", "bob", "kim"]) == {"ada"}
    assert await known("other", ["ada"]) == set()
