"""Stored decisions in memory."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.router.core.decision import Decision
from services.router.decisions import decision_row
from shared.model.errors import MongoUnavailable
from shared.mongo.decisions import DecisionRow
from tests.support.twins.outages import Outages


class MemoryDecisions:
    """A DecisionStore."""

    def __init__(self) -> None:
        self.rows: dict[str, Decision] = {}
        self.outages = Outages(MongoUnavailable)

    async def known(self, ids: Sequence[str]) -> dict[str, DecisionRow]:
        async with self.outages.call():
            return {one: decision_row(self.rows[one]) for one in ids if one in self.rows}

    async def insert_until_known(self, decisions: Sequence[Decision]) -> int:
        async with self.outages.call():
            for number, decision in enumerate(decisions):
                if decision.id in self.rows:
                    return number
                self.rows[decision.id] = decision
        return len(decisions)

    async def insert(self, decisions: Sequence[Decision]) -> list[Decision]:
        carried = []
        async with self.outages.call():
            for decision in decisions:
                stored = self.rows.setdefault(decision.id, decision)
                if stored.coordinates == decision.coordinates:
                    carried.append(
                        msgspec.structs.replace(
                            decision,
                            items=stored.items,
                            at=stored.at,
                            profile_version=stored.profile_version,
                            tenant_version=stored.tenant_version,
                            notification=stored.notification,
                        )
                    )
        return carried
