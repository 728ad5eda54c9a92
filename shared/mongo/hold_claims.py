"""Which due holds are claimed: the oldest while all that is due fits, else each tenant's share.

What is looked at is claimed as it was read, in one write, unless somebody else was faster. While others are, each
looks further down the queue at random, so that instances get different ones.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from shared.model import formats
from shared.mongo.bulk import Rows
from shared.mongo.leases import Lease, claim_rows, free_at

if TYPE_CHECKING:
    from shared.mongo.hold_rows import HoldRow

AHEAD: Final = 4
"""How many claims' worth of due holds instances share out among them."""
TENANTS_SECONDS: Final = 0.25
"""How long it is taken as known which tenants have due holds."""
MAX_TENANTS: Final = 32
"""Of one claim; with more, chance decides."""
MAX_BYTES: Final = 16 * 1_048_576
"""Of the records of one claim, or of a tenant's share in it, a little more."""
TRIES: Final = 3
"""When others have taken all that was found."""
MARKS: Final = ("hastened", "cancelled")
"""What may be written on a hold while it waits, and changes what comes back."""

IndexKeys = list[tuple[str, int]]
BY_TENANT: Final[IndexKeys] = [("tenant", 1), ("due", 1)]
OLDEST_BY_TENANT: Final[list[dict[str, object]]] = [
    {"$sort": {"tenant": 1, "due": 1}},
    {"$group": {"_id": "$tenant", "due": {"$first": "$due"}}},
]
"""By tenant when its oldest hold is due: of the index, MongoDB reads one entry for each."""


class HoldClaims:
    """The claims of one scheduler, which does one at a time. Raises what pymongo raises."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._behind = False
        """The last look found all that it was to find, of some tenant at least: more may be due."""
        self._contended = False
        """Somebody else took some of what the last look found."""
        self._tenants: list[str] = []
        self._looked_at = float("-inf")
        self._last: dict[str, int] = {}
        """By tenant how many the last look found."""

    async def claim(self, lease: Lease, *, most: int) -> list[HoldRow]:
        """Claims up to `most` due holds and returns their rows; none only when nothing is due, or others take it all."""
        due_now = {"due": {"$lte": lease.now}, **free_at(lease.now), **formats.readable()}
        won: list[HoldRow] = []
        for _ in range(TRIES):
            tenants = await self._due_tenants(lease) if self._behind else []
            self._behind = False
            found = await (self._shares(due_now, tenants, most) if len(tenants) > 1 else self._oldest(due_now, most))
            won = await self._take(found, lease) if found else []
            self._contended = len(won) < len(found)
            if won or not found:
                break
        return won

    async def _due_tenants(self, lease: Lease) -> list[str]:
        now = time.monotonic()
        if now - self._looked_at > TENANTS_SECONDS:
            oldest = self._rows.aggregate(OLDEST_BY_TENANT)
            self._tenants = [row["_id"] async for row in oldest if row["due"] <= lease.now]
            self._looked_at = now
            self._last = {tenant: count for tenant, count in self._last.items() if tenant in self._tenants}
        return self._tenants

    async def _shares(self, due_now: Mapping[str, object], tenants: list[str], most: int) -> list[HoldRow]:
        """Of each tenant the oldest, up to its share; what one leaves over is for those that had more."""
        some = tenants if len(tenants) <= MAX_TENANTS else random.sample(tenants, MAX_TENANTS)
        found: list[HoldRow] = []
        for position, tenant in enumerate(sorted(some, key=lambda tenant: self._last.get(tenant, 0))):
            share = max(1, (most - len(found)) // (len(some) - position))
            # Of what is due in all, one tenant's few are nowhere near the front.
            rows = await self._oldest({"tenant": tenant, **due_now}, share, BY_TENANT)
            self._last[tenant] = len(rows)
            found += rows
        return found

    async def _oldest(self, due_now: Mapping[str, object], most: int, index: IndexKeys | None = None) -> list[HoldRow]:
        skipped = random.randrange(AHEAD) * most if self._contended else 0  # noqa: S311  # spreads, guards nothing
        found = await self._look(due_now, most, skipped, index)
        return found or (await self._look(due_now, most, 0, index) if skipped else [])

    async def _look(
        self, due_now: Mapping[str, object], most: int, skipped: int, index: IndexKeys | None
    ) -> list[HoldRow]:
        looked = self._rows.find(due_now, hint=index).sort("due", 1).skip(skipped).limit(most).batch_size(most + 1)
        found: list[HoldRow] = []
        size = 0
        async for row in looked:
            found.append(row)
            size += len(row["record"])
            if size >= MAX_BYTES:
                await looked.close()
                break
        self._behind = self._behind or len(found) == most or size >= MAX_BYTES
        return found

    async def _take(self, found: list[HoldRow], lease: Lease) -> list[HoldRow]:
        """Those of `found` that nobody else has taken, as they are once they are claimed."""
        ids = [row["_id"] for row in found]
        if any(row.get(mark) for row in found for mark in MARKS):
            await claim_rows(self._rows, ids, lease)
        else:
            # Only what is still as it was read: a mark that is set in between is for the next claim to see.
            unmarked = {"_id": {"$in": ids}, **free_at(lease.now), **dict.fromkeys(MARKS)}
            claimed = await self._rows.update_many(unmarked, {"$set": lease.fields})
            if claimed.modified_count == len(found):
                return found
        return [row async for row in self._rows.find({"_id": {"$in": ids}, "token": lease.token}).sort("due", 1)]
