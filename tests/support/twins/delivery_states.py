"""`DeliveryStates` in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.console.core.paging import PagePlace
from services.console.deliveries.core.delivery_filter import DeliveryFilter, query_of
from services.console.deliveries.core.state_row import StateRow


class MemoryDeliveryStates:
    """As the collection; `rows` by id."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}

    async def put(self, rows: Sequence[StateRow]) -> None:
        for row in rows:
            known = self.rows.get(row.id)
            if known is None and row.whole:
                self.rows[row.id] = {"_id": row.id, **row.fields, "rank": row.rank}
            elif known is not None and known["tenant"] == row.fields["tenant"] and known["rank"] < row.rank:
                known |= row.fields | {"rank": row.rank}

    async def page(
        self, tenant: str, wanted: DeliveryFilter, *, after: PagePlace | None, most: int
    ) -> list[dict[str, Any]]:
        query = query_of(tenant, wanted)
        found = [row for row in self.rows.values() if all(_holds(row.get(name), what) for name, what in query.items())]
        found.sort(key=lambda row: (row["accepted_at"], row["_id"]), reverse=True)
        if after is not None:
            found = [row for row in found if (row["accepted_at"], row["_id"]) < tuple(after)]
        return found[:most]


def _holds(value: Any, what: Any) -> bool:
    if not isinstance(what, dict):
        return bool(value == what)
    known = {
        "$ne": lambda other: value != other,
        "$in": lambda others: value in others,
        "$gte": lambda least: value >= least,
        "$lt": lambda end: value < end,
    }
    return all(known[how](other) for how, other in what.items())
