"""API keys: whose each is and what it may do."""

from __future__ import annotations

from typing import Any

import pytest

from shared.mongo import api_keys
from shared.mongo.api_keys import ApiKeys, Scope
from shared.mongo.database import Database
from tests.support.twins.api_keys import MemoryApiKeys


class RealApiKeys(ApiKeys):
    """With the command line's part."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._rows = database.api_keys

    async def create(self, *, tenant: str, scopes: frozenset[Scope]) -> str:
        return await api_keys.create(self._database, tenant=tenant, scopes=scopes, name="test")

    async def revoke(self, key: str) -> None:
        await self._rows.update_one({"_id": key.split("_")[1]}, {"$set": {"revoked": True}})


@pytest.fixture
def keys(implementation: str, request: pytest.FixtureRequest) -> Any:
    return MemoryApiKeys() if implementation == "twin" else RealApiKeys(request.getfixturevalue("database"))


@pytest.mark.real
async def test_a_test_key_says_so_and_is_one_however_it_is_written(database: Database) -> None:
    scopes = frozenset({Scope.SEND})
    key = await api_keys.create(database, tenant="acme", scopes=scopes, name="t", test=True)
    usual = await api_keys.create(database, tenant="acme", scopes=scopes, name="u")
    assert key.startswith("ck_test_")
    known = ApiKeys(database)
    for spelling, test in (
        (key, True),
        (key.replace("ck_test_", "ck_"), True),
        (usual.replace("ck_", "ck_test_"), False),
    ):
        found = await known.principal(spelling)
        assert found is not None
        assert found.test is test


async def test_a_key_has_its_tenant_and_scopes(keys: Any) -> None:
    mine = await keys.create(tenant="acme", scopes=frozenset({Scope.SEND, Scope.USERS}))
    other = await keys.create(tenant="other", scopes=frozenset({Scope.OPERATE}))
    found = await keys.principal(mine)
    assert (found.tenant, found.scopes) == ("acme", {Scope.SEND, Scope.USERS})
    assert (await keys.principal(other)).tenant == "other"


async def test_what_is_no_key_is_nobodys(keys: Any) -> None:
    key = await keys.create(tenant="acme", scopes=frozenset({Scope.SEND}))
    for wrong in ("", "ck_", key[:-1], key + "x", key[:-5] + "-----", "ck_000000000000_" + "a" * 43):
        assert await keys.principal(wrong) is None


async def test_a_revoked_key_is_nobodys(keys: Any) -> None:
    key = await keys.create(tenant="acme", scopes=frozenset({Scope.SEND}))
    await keys.revoke(key)
    assert await keys.principal(key) is None
