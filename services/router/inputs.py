"""Profiles for a chunk: a bounded memory, one majority read for what is missing, eviction in the log's order.

A profile is written to MongoDB first and announced by a `profile_changed` record in the user's partition
before its API call answers; the router drops the entry when it meets that record, before it decides
anything accepted later.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import msgspec
import structlog

from shared.model.errors import InvalidProfile
from shared.model.profiles import Profile, from_document
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.process.metrics import PROFILE_CACHE

log = structlog.get_logger()


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the router knows of a user, and the snapshot of it that a decision keeps."""

    profile: Profile | None
    snapshot: dict[str, Any]
    loaded_at: int


UNKNOWN_SNAPSHOT: dict[str, Any] = {"known": False}


class Profiles:
    """Profiles by `tenant:user`, users without one too."""

    def __init__(self, database: Database, *, size: int, ttl_ms: int) -> None:
        self._database = database
        self._size = size
        self._ttl_ms = ttl_ms
        self._known: OrderedDict[str, Known] = OrderedDict()

    def forget(self, key: str) -> None:
        """The user's profile has changed."""
        self._known.pop(key, None)

    def forget_all(self) -> None:
        """Partitions moved: what happened in them meanwhile is unknown."""
        self._known.clear()

    async def load(self, keys: Iterable[str], now: int) -> dict[str, Known]:
        """What is known of each key; `now` in milliseconds. Raises MongoUnavailable: who does not know must wait."""
        found: dict[str, Known] = {}
        missing: list[str] = []
        for key in set(keys):
            known = self._known.get(key)
            if known is not None and now - known.loaded_at < self._ttl_ms:
                self._known.move_to_end(key)
                found[key] = known
            else:
                missing.append(key)
        PROFILE_CACHE.labels("hit").inc(len(found))
        PROFILE_CACHE.labels("miss").inc(len(missing))
        if missing:
            found.update(await self._read(missing, now))
        return found

    async def _read(self, keys: list[str], now: int) -> dict[str, Known]:
        fresh = {key: Known(profile=None, snapshot=UNKNOWN_SNAPSHOT, loaded_at=now) for key in keys}
        with mongo_border():
            async for row in self._database.profiles.find({"_id": {"$in": keys}}):
                try:
                    profile = from_document(row)
                except (msgspec.ValidationError, InvalidProfile) as error:
                    # Fail closed: nobody is notified by a profile that cannot be read, and no neighbour waits for it.
                    log.error(
                        "unreadable_profile", id=row["_id"], error=type(error).__name__, next="PUT the profile again"
                    )
                    continue
                fresh[row["_id"]] = Known(profile=profile, snapshot=_snapshot(profile), loaded_at=now)
        self._known.update(fresh)
        while len(self._known) > self._size:
            self._known.popitem(last=False)
        return fresh


def _snapshot(profile: Profile) -> dict[str, Any]:
    """The inputs that mattered, without addresses: what `why` tells."""
    return {
        "known": True,
        "version": profile.version,
        "locale": profile.locale,
        "zone": profile.zone,
        "addresses": sorted(profile.addresses),
        "preferences": msgspec.to_builtins(profile.preferences),
        "quiet_hours": msgspec.to_builtins(profile.quiet_hours),
    }
