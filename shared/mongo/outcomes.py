"""What became of earlier steps, read from the decisions, the ledger and the inboxes: one find in each for a whole chunk."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from shared.deciding.history import StepOutcome
from shared.deciding.step_outcomes import ChannelFact, decided_facts, delivery_fact, inbox_fact, outcomes_of
from shared.model.devices import DEFAULT_ENDPOINT
from shared.model.notifications import Notification
from shared.model.receipts import receipted_state
from shared.mongo.bulk import Rows
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.inbox_rows import stored_life

_OWNED: Final = {"_id": 0, "notification": 1, "tenant": 1, "user": 1}
_DECIDED: Final = (
    _OWNED | {"generation": 1} | {f"items.{name}": 1 for name in ("type", "step", "channel", "reason", "endpoint")}
)
_DELIVERED: Final = _OWNED | {
    "step": 1,
    "channel": 1,
    "state": 1,
    "endpoint": 1,
    "result.reason": 1,
    "generation": 1,
    "receipt": 1,
}
_SHOWN: Final = (
    _OWNED
    | {"step": 1, "read_at": 1, "seen_at": 1, "archived_at": 1, "deleted_at": 1}
    | {"replaced_by": 1, "withdrawn": 1}
)


class Outcomes:
    """An OutcomeReader over MongoDB."""

    def __init__(self, database: Database) -> None:
        self._decisions: Rows = database.decisions
        self._deliveries: Rows = database.deliveries
        self._inbox: Rows = database.inbox

    async def outcomes(self, notifications: Sequence[Notification]) -> dict[str, dict[str, StepOutcome]]:
        """As OutcomeReader says."""
        if not notifications:
            return {}
        about = {each.id: each for each in notifications}
        named = {"notification": {"$in": sorted(about)}}
        shown: dict[tuple[str, str, int], list[str]] = defaultdict(list)
        for each in about.values():
            shown[each.tenant, each.user, each.life].append(each.id)
        inboxes = [
            {"tenant": tenant, "user": user, "life": stored_life(life), "notification": {"$in": sorted(ids)}}
            for (tenant, user, life), ids in shown.items()
        ]
        with mongo_border():
            decisions, deliveries, items = await asyncio.gather(
                self._decisions.find(named, _DECIDED).sort([("at", 1), ("generation", 1), ("pass", 1)]).to_list(None),
                self._deliveries.find(named, _DELIVERED).to_list(None),
                self._inbox.find({"$or": inboxes}, _SHOWN).to_list(None),
            )
        decided: dict[str, list[ChannelFact]] = defaultdict(list)
        made: dict[str, list[ChannelFact]] = defaultdict(list)
        for row in filter(lambda row: _is_of(row, about), decisions):
            decided[row["notification"]] += decided_facts(row["items"], row["generation"])
        for row in filter(lambda row: _is_of(row, about), deliveries):
            reason = (row.get("result") or {}).get("reason")
            endpoint = row.get("endpoint", DEFAULT_ENDPOINT)
            state = receipted_state(row["state"], row["generation"], row.get("receipt"))
            fact = delivery_fact(row.get("step"), row["channel"], state, reason, endpoint, row["generation"])
            made[row["notification"]].append(fact)
        for row in items:
            made[row["notification"]].append(_inbox_fact(row))
        return {id_: outcomes_of(decided[id_], made[id_]) for id_ in about}


def _is_of(row: Mapping[str, object], about: Mapping[str, Notification]) -> bool:
    """Ids contain the tenant and the user; a row that says otherwise is nobody's here."""
    each = about[str(row["notification"])]
    return (row["tenant"], row["user"]) == (each.tenant, each.user)


def _inbox_fact(row: Mapping[str, object]) -> ChannelFact:
    step = row.get("step")
    return inbox_fact(
        step if isinstance(step, str) else None,
        read=row.get("read_at") is not None,
        seen=row.get("seen_at") is not None,
        archived=row.get("archived_at") is not None,
        deleted=row.get("deleted_at") is not None and not {"replaced_by", "withdrawn"} & row.keys(),
    )
