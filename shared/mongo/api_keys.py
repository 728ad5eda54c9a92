"""API keys `ck_<id>_<secret>`, `ck_test_<id>_<secret>` for tests: only a hash is stored; two may live at once for rotation."""

from __future__ import annotations

import hmac
import re
import secrets
from collections import OrderedDict
from enum import StrEnum
from hashlib import sha256
from typing import Final

import msgspec

from shared.model.errors import MongoUnavailable
from shared.model.timestamps import to_datetime
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.process.clock import now_ms

_KEY = re.compile(r"ck_(?:test_)?([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
CACHE_SECONDS: Final = 30
CACHE_SIZE: Final = 10_000


class Scope(StrEnum):
    """What a key may do."""

    SEND = "send"
    USERS = "users"
    PULL = "pull"
    """Take deliveries of the channel `pull`, and say what became of them."""
    OPERATE = "operate"
    """Read timelines, the audit log and dead letters with their contents; redrive and discard those."""
    ADMIN = "admin"
    """Change the tenant's settings, stop it."""


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls: tenant and scopes come from here, never from a body."""

    key_id: str
    tenant: str
    scopes: frozenset[Scope]
    test: bool = False
    """What it sends is a test: it leaves only where the tenant's staging lets it."""


async def create(database: Database, *, tenant: str, scopes: frozenset[Scope], name: str, test: bool = False) -> str:
    """Stores a new key's hash and returns the key, which cannot be read again. Raises MongoUnavailable."""
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    with mongo_border():
        await database.api_keys.insert_one(
            {
                "_id": key_id,
                "tenant": tenant,
                "name": name,
                "scopes": sorted(scopes),
                "hash": sha256(secret.encode()).digest(),
                "created_at": to_datetime(now_ms()),
                "revoked": False,
                **({"test": True} if test else {}),
            }
        )
    return f"ck_{'test_' if test else ''}{key_id}_{secret}"


class ApiKeys:
    """Looks keys up, remembering each for 30 s: that long a revoked key may still work."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: OrderedDict[str, tuple[int, bytes, Principal]] = OrderedDict()

    async def principal(self, key: str) -> Principal | None:
        """Whose key it is; None when nobody's. Raises MongoUnavailable when it is not remembered and cannot be read.

        While MongoDB is unavailable a key that was seen before goes on working: its callers must not lose events.
        """
        match = _KEY.fullmatch(key)
        if match is None:
            return None
        key_id, secret = match.groups()
        digest = sha256(secret.encode()).digest()
        known = self._known.get(key_id)
        if known is None or now_ms() - known[0] > CACHE_SECONDS * 1000:
            known = await self._refresh(key_id, known)
        if known is None or not hmac.compare_digest(known[1], digest):
            return None
        return known[2]

    async def _refresh(
        self, key_id: str, known: tuple[int, bytes, Principal] | None
    ) -> tuple[int, bytes, Principal] | None:
        try:
            with mongo_border():
                row = await self._database.api_keys.find_one({"_id": key_id, "revoked": False})
        except MongoUnavailable:
            if known is None:
                raise
            # Ask again in 2 s, or every call would wait for MongoDB first.
            known = self._known[key_id] = (now_ms() - (CACHE_SECONDS - 2) * 1000, *known[1:])
            return known
        if row is None:
            self._known.pop(key_id, None)
            return None
        scopes = frozenset(scope for scope in Scope if scope in row["scopes"])  # others are a newer version's
        principal = Principal(key_id=key_id, tenant=row["tenant"], scopes=scopes, test=row.get("test", False))
        entry = (now_ms(), bytes(row["hash"]), principal)
        self._known[key_id] = entry
        if len(self._known) > CACHE_SIZE:
            self._known.popitem(last=False)
        return entry
