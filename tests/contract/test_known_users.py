"""Who has a profile, as ingest asks it."""

from __future__ import annotations

from typing import Any

import pytest

from services.ingest.unknown_users import known_users
from shared.model.topics import Topics
from shared.mongo import profiles
from tests.support import samples as a
from tests.support.twins.publisher import MemoryPublisher


@pytest.mark.real
async def test_known_is_who_has_a_profile_in_the_tenant(database: Any) -> None:
    for user in ("ada", "bob"):
        place = {"tenant": "acme", "user": user}
        await profiles.write(
            database, MemoryPublisher(), Topics(), **place, change=lambda _, user=user: a.profile(user=user)
        )
    await profiles.remove(database, MemoryPublisher(), Topics(), tenant="acme", user="bob")
    known = known_users(database)
    assert await known("acme", ["ada", "bob", "kim"]) == {"ada"}
    assert await known("other", ["ada"]) == set()
