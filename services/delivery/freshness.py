"""Whether a decision still holds when its delivery is claimed late."""

from __future__ import annotations

from shared.model.deliveries import Delivery
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.process.batching import Batcher
from shared.process.retries import retry_until_available


class Freshness:
    """Compares old decisions with what is known now, many at once."""

    def __init__(self, database: Database, *, stale_after_ms: int) -> None:
        self._database = database
        self._stale_after_ms = stale_after_ms
        self._changed = Batcher(self._compare, most=200)

    async def is_stale(self, delivery: Delivery, now: int) -> bool:
        """Past `valid_until`, or decided more than a minute ago and profile or cancel counter moved since.

        `now` in milliseconds. Waits while MongoDB is away: who cannot know does not send.
        """
        if delivery.valid_until is not None and now >= delivery.valid_until:
            return True
        if now - delivery.decided_at <= self._stale_after_ms:
            return False
        return await self._changed(delivery)

    async def _compare(self, deliveries: list[Delivery]) -> list[bool]:
        return await retry_until_available()(self._read, deliveries)

    async def _read(self, deliveries: list[Delivery]) -> list[bool]:
        users = {_user(delivery) for delivery in deliveries}
        keys = {_key(delivery) for delivery in deliveries if delivery.notification.cancellation_key}
        with mongo_border():
            profiles = self._database.profiles.find({"_id": {"$in": sorted(users)}}, {"version": 1})
            versions = {row["_id"]: row["version"] async for row in profiles}
            cancellations = self._database.cancellations.find({"_id": {"$in": sorted(keys)}})
            counts = {row["_id"]: row["count"] async for row in cancellations} if keys else {}
        return [
            versions.get(_user(delivery), 0) != delivery.profile_version
            or counts.get(_key(delivery), 0) > delivery.notification.cancel_count
            for delivery in deliveries
        ]


def _user(delivery: Delivery) -> str:
    return f"{delivery.notification.tenant}:{delivery.notification.user}"


def _key(delivery: Delivery) -> str:
    return f"{delivery.notification.tenant}:{delivery.notification.cancellation_key}"
