"""What a digest has gathered, less what was taken out again: cancelled, replaced or expired meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypedDict

import msgspec

from shared.deciding.digest_content import ShownBytes, is_bound
from shared.deciding.history import DigestContent
from shared.deciding.items import Gathered
from shared.model.preferences import NOTHING_SET
from shared.model.profiles import Preferences
from shared.model.subscriptions import SubscriptionKey
from shared.mongo.bulk import Rows, find_by_id
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.leases import server_time
from shared.mongo.subscriptions import Subscriptions

_BOUND: Final = {"tenant": 1, "user": 1, "life": 1, "notification": 1, "terms": 1}


class MemberTerms(TypedDict, total=False):
    """What may take a member out again, or keep it from a channel; most have none of it."""

    cancellation_key: str
    cancel_count: int
    collapse: str
    topic: str
    until: datetime


class BoundMember(TypedDict):
    """A member with terms, as it is read."""

    tenant: str
    user: str
    life: int
    notification: str
    terms: MemberTerms


class DigestMembers:
    """The `digest_members` collection, as `decide` reads it. Raises MongoUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._members: Rows = database.digest_members

    async def content(self, digest: str, shown: int, closed: Gathered | None = None) -> DigestContent:
        """How many count, and the data of the first `shown` of them; of one that has closed, what it had then."""
        if closed is not None:
            return await self._frozen(digest, closed)
        with mongo_border():
            last = await self._members.find_one({"digest": digest}, {"number": 1}, sort=[("number", -1)])
            bound = self._members.find({"digest": digest, "terms": {"$exists": True}}, _BOUND)
            terms = [row async for row in bound]
            gone = await self._gone(terms)
            wants = await self._wants(terms)
            wanted = {"digest": digest} | ({"notification": {"$nin": sorted(gone)}} if gone else {})
            members: list[str] = []
            data: list[msgspec.Raw] = []
            room = ShownBytes()
            async for row in self._members.find(wanted).sort("number", 1).limit(shown):
                if room.take(row["data"], wants.get(row["notification"], NOTHING_SET)):
                    members.append(row["notification"])
                    data.append(msgspec.Raw(bytes(row["data"])))
                elif not wants:
                    break
        return DigestContent(
            numbered=last["number"] if last else 0,
            gone=frozenset(gone),
            members=tuple(members),
            data=tuple(data),
            wants=wants,
        )

    async def _frozen(self, digest: str, closed: Gathered) -> DigestContent:
        wanted = {"digest": digest, "notification": {"$in": list(closed.members)}}
        with mongo_border():
            rows = [row async for row in self._members.find(wanted).sort("number", 1)]
        return DigestContent(
            numbered=closed.items,
            members=tuple(row["notification"] for row in rows),
            data=tuple(msgspec.Raw(bytes(row["data"])) for row in rows),
        )

    async def _gone(self, rows: Sequence[BoundMember]) -> set[str]:
        """The notifications that do not count any more. Nothing is asked when none has terms."""
        if not rows:
            return set()
        database = self._database
        keys = [_cancellation(row) for row in rows if "cancellation_key" in row["terms"]]
        cancelled = await find_by_id(database.cancellations, set(keys))
        slots = {row["terms"]["collapse"] for row in rows if "collapse" in row["terms"]}
        newest = await find_by_id(database.collapses, slots)
        now = await server_time(database)
        gone: set[str] = set()
        for row in rows:
            terms, notification = row["terms"], row["notification"]
            counter = cancelled.get(_cancellation(row)) if "cancellation_key" in terms else None
            newer = newest.get(terms["collapse"]) if "collapse" in terms else None
            if (
                (counter is not None and counter["count"] > terms["cancel_count"])
                or (newer is not None and newer["newest"]["notification"] != notification)
                or ("until" in terms and terms["until"] <= now)
            ):
                gone.add(notification)
        return gone

    async def _wants(self, rows: Sequence[BoundMember]) -> dict[str, Preferences | None]:
        """Of those that came by a topic, what their subscription says, where it says anything; None: there is none."""
        keys = {row["notification"]: _subscription(row) for row in rows if "topic" in row["terms"]}
        if not keys:
            return {}
        subscribed = await Subscriptions(self._database).find(set(keys.values()))
        found: dict[str, Preferences | None] = {}
        for row in rows:
            key = keys.get(row["notification"])
            if key is not None:
                mine = subscribed.get(key)
                found[row["notification"]] = mine.preferences if mine is not None and mine.life == row["life"] else None
        return {notification: wants for notification, wants in found.items() if is_bound(wants)}


def _cancellation(row: BoundMember) -> str:
    return f"{row['tenant']}:{row['terms']['cancellation_key']}"


def _subscription(row: BoundMember) -> SubscriptionKey:
    return SubscriptionKey(row["tenant"], row["terms"]["topic"], row["user"])
