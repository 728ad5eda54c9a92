"""What became of earlier steps, from the twins of decisions, ledger and inbox."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from shared.deciding.history import StepOutcome
from shared.deciding.step_outcomes import ChannelFact, decided_facts, delivery_fact, inbox_fact, outcomes_of
from shared.model.errors import MongoUnavailable
from shared.model.notifications import Notification
from shared.model.receipts import receipted_state
from tests.support.twins.decisions import MemoryDecisions
from tests.support.twins.inbox_rows import MemoryInboxRows
from tests.support.twins.ledger import MemoryLedger
from tests.support.twins.outages import Outages


class MemoryOutcomes:
    """An OutcomeReader."""

    def __init__(self, decisions: MemoryDecisions, ledger: MemoryLedger, inbox: MemoryInboxRows) -> None:
        self.outages = Outages(MongoUnavailable)
        self._decisions, self._ledger, self._inbox = decisions, ledger, inbox

    async def outcomes(self, notifications: Sequence[Notification]) -> dict[str, dict[str, StepOutcome]]:
        async with self.outages.call():
            return {each.id: outcomes_of(self._decided(each), self._made(each)) for each in notifications}

    def _decided(self, about: Notification) -> list[ChannelFact]:
        rows = [row for row in self._decisions.rows.values() if _owned(row.notification) == _owned(about)]
        facts: list[ChannelFact] = []
        for row in sorted(rows, key=lambda row: (row.at, row.record.generation, row.record.pass_)):
            facts += decided_facts([msgspec.to_builtins(item) for item in row.items], row.record.generation)
        return facts

    def _made(self, about: Notification) -> list[ChannelFact]:
        facts = [
            delivery_fact(
                delivery.step,
                delivery.channel,
                receipted_state(row.state, row.generation, msgspec.to_builtins(row.receipt)),
                row.result.reason if row.result else None,
                delivery.endpoint,
                row.generation,
            )
            for row in self._ledger.rows.values()
            for delivery in [row.delivery]
            if delivery is not None and _owned(delivery.notification) == _owned(about)
        ]
        for key, row in self._inbox.rows.items():
            if (row.item.id, row.tenant, row.user, row.life) == (about.id, about.tenant, about.user, about.life):
                item = row.item
                facts.append(
                    inbox_fact(
                        row.step,
                        read=item.read_at is not None,
                        seen=item.seen_at is not None,
                        archived=item.archived_at is not None,
                        deleted=item.deleted_at is not None and key not in self._inbox.replaced_by,
                    )
                )
        return facts


def _owned(about: Notification) -> tuple[str, str, str]:
    return about.id, about.tenant, about.user
