"""API keys in memory."""

from __future__ import annotations

from uuid import uuid4

from shared.model.errors import MongoUnavailable
from shared.mongo.api_keys import Principal, Scope
from tests.support.twins.outages import Outages


class MemoryApiKeys:
    """A KeyLookup, and the side of it that makes keys and revokes them."""

    def __init__(self) -> None:
        self.outages = Outages(MongoUnavailable)
        self._principals: dict[str, Principal] = {}

    async def create(self, *, tenant: str, scopes: frozenset[Scope], test: bool = False) -> str:
        key = f"ck_{uuid4().hex[:12]}_{uuid4().hex}{uuid4().hex[:11]}"
        self._principals[key] = Principal(key_id=key[3:15], tenant=tenant, scopes=scopes, test=test)
        return key

    async def revoke(self, key: str) -> None:
        del self._principals[key]

    async def principal(self, key: str) -> Principal | None:
        async with self.outages.call():
            return self._principals.get(key)
