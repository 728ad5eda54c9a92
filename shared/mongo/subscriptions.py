"""Subscriptions in MongoDB. `_id` is tenant, topic and user, so that a topic's are a range of it, in order of user."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

import msgspec
from pymongo import ASCENDING, DeleteOne, UpdateOne

from shared.model.formats import check_row
from shared.model.ids import SEPARATOR
from shared.model.profiles import Preferences
from shared.model.subscriptions import Subscription, SubscriptionKey
from shared.model.timestamps import to_datetime
from shared.mongo.bulk import find_by_id
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.process.clock import now_ms

_BEHIND: Final = chr(ord(SEPARATOR) + 1)
"""Ends the range of what begins with a name and a separator."""


class Subscriptions:
    """The `subscriptions` collection. All methods raise MongoUnavailable; then the same call may be repeated."""

    def __init__(self, database: Database) -> None:
        self._rows = database.subscriptions
        self._profiles = database.profiles

    async def lives(self, tenant: str, users: Collection[str]) -> dict[str, int]:
        """The current life of each of these users; 0 for who is unknown."""
        keys = {f"{tenant}:{user}": user for user in users}
        with mongo_border():
            rows = self._profiles.find({"_id": {"$in": list(keys)}}, {"life.number": 1})
            known = {row["_id"]: (row.get("life") or {}).get("number", 0) async for row in rows}
        return {user: known.get(key, 0) for key, user in keys.items()}

    async def put(
        self, tenant: str, topic: str, lives: Mapping[str, int], preferences: Preferences | None = None
    ) -> None:
        """Subscribes users, each in the life given. Without preferences, those of whom is subscribed already stay."""
        now = now_ms()
        wanted: dict[str, object] = {}
        if preferences is not None:
            wanted = {"preferences": msgspec.to_builtins(preferences), "changed_at": now}
        first: dict[str, object] = {"preferences": {}, "created_at": to_datetime(now)}
        operations: list[DeleteOne | UpdateOne] = []
        for user, life in lives.items():
            place = {"_id": row_id(SubscriptionKey(tenant, topic, user))}
            if life:  # of somebody else who had the id
                operations.append(DeleteOne(place | {"life": {"$lt": life}}))
            given = {"tenant": tenant, "topic": topic, "user": user, "life": life} | wanted
            once = {name: value for name, value in first.items() if name not in given}
            operations.append(UpdateOne(place, {"$set": given, "$setOnInsert": once}, upsert=True))
        with mongo_border():
            await self._rows.bulk_write(operations)

    async def remove(self, tenant: str, topic: str, users: Collection[str]) -> int:
        """Unsubscribes users; how many of them were subscribed."""
        wanted = [row_id(SubscriptionKey(tenant, topic, user)) for user in users]
        with mongo_border():
            return (await self._rows.delete_many({"_id": {"$in": wanted}})).deleted_count

    async def of_topic(self, tenant: str, topic: str, *, after: str = "", most: int) -> list[Subscription]:
        """Up to `most` of a topic, in order of user, behind the user `after`. Raises NewerFormat."""
        prefix = f"{tenant}{SEPARATOR}{topic}"
        place = {"$gt": f"{prefix}{SEPARATOR}{after}", "$lt": prefix + _BEHIND}
        with mongo_border():
            rows = self._rows.find({"_id": place}).sort("_id", ASCENDING).limit(most).batch_size(most)
            return [_from_row(row) for row in await rows.to_list(most)]

    async def of_user(self, tenant: str, user: str, *, after: str = "", most: int) -> list[Subscription]:
        """Up to `most` of a user, in order of topic, behind the topic `after`. Raises NewerFormat."""
        with mongo_border():
            rows = self._rows.find({"tenant": tenant, "user": user, "topic": {"$gt": after}})
            return [_from_row(row) for row in await rows.sort("topic", ASCENDING).limit(most).to_list(most)]

    async def find(self, wanted: Iterable[SubscriptionKey], /) -> dict[SubscriptionKey, Subscription]:
        """Those that there are. Raises NewerFormat."""
        rows = await find_by_id(self._rows, map(row_id, wanted))
        found = map(_from_row, rows.values())
        return {each.key: each for each in found}


def row_id(key: SubscriptionKey) -> str:
    """None of the parts has the separator in it: all of them are printable."""
    return SEPARATOR.join(key)


def _from_row(row: Mapping[str, object]) -> Subscription:
    check_row("subscription", row)
    return msgspec.convert(row, Subscription)
