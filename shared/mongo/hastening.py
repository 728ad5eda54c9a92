"""Bringing forward what waits of a user whose profile changed: a bounded piece of it at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Final, NotRequired, TypedDict

from shared.model.holds import Cause, Hastening
from shared.mongo.bulk import Rows
from shared.mongo.leases import free_at

MAX_LOOKED_AT: Final = 1000
"""Holds that one call looks at, of all of its users together."""
MIN_SHARE: Final = 20
"""Of each user, at the least; most have fewer."""
AT_ONCE: Final = 16
"""Users whose holds are read at the same time."""


MOVED: Final = frozenset({Cause.QUIET_HOURS, Cause.LOCAL_TIME})
"""What a profile says may have moved the time of."""


class _LookedAt(TypedDict):
    _id: str
    cause: str
    life: NotRequired[int | None]


def share_of(changes: Mapping[str, Hastening]) -> int:
    """How many holds of each of these users one call looks at."""
    return max(MIN_SHARE, MAX_LOOKED_AT // max(1, len(changes)))


async def hasten_users(rows: Rows, changes: Mapping[str, Hastening], now: datetime) -> dict[str, Hastening]:
    """As HoldStore says; `now` is the server's. Raises what pymongo raises.

    Each user has a share, so that one with many holds keeps nobody waiting. Holds are looked at in the order of their
    ids, each once: what was brought forward, decided again and held again meanwhile makes no circle.
    """
    share = share_of(changes)
    found: list[str] = []
    more: dict[str, Hastening] = {}
    users = list(changes.items())
    for start in range(0, len(users), AT_ONCE):
        some = users[start : start + AT_ONCE]
        seen = await asyncio.gather(*(_look(rows, user_key, change, share) for user_key, change in some))
        for (user_key, change), holds in zip(some, seen, strict=True):
            found += [hold["_id"] for hold in holds if _concerned(hold, change)]
            if len(holds) == share:
                more[user_key] = change._replace(after=holds[-1]["_id"])
    for start in range(0, len(found), MAX_LOOKED_AT):
        ids = found[start : start + MAX_LOOKED_AT]
        # With its old time it would be decided as of that, in the middle of the night: `hastened` takes it off.
        brought = {"$min": {"due": now}, "$set": {"hastened": True}}
        await rows.update_many({"_id": {"$in": ids}, **free_at(now)}, brought)
    return more


async def _look(rows: Rows, user_key: str, change: Hastening, most: int) -> list[_LookedAt]:
    tenant, _, user = user_key.partition(":")
    waiting = {"tenant": tenant, "user": user, "_id": {"$gt": change.after}}
    return [row async for row in rows.find(waiting, {"cause": 1, "life": 1}).sort("_id", 1).limit(most)]


def _concerned(hold: _LookedAt, change: Hastening) -> bool:
    return hold["cause"] in MOVED or (hold.get("life") or 0) < change.life
