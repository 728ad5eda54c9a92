"""Stored expansions in memory."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.router.core.expansion import Expansion, StoredExpansion
from services.router.expansions import Carried
from shared.model.errors import MongoUnavailable
from shared.model.expansion import EventState
from tests.support.twins.outages import Outages


class MemoryExpansions:
    """An ExpansionStore."""

    def __init__(self) -> None:
        self.rows: dict[str, Expansion] = {}
        self.outages = Outages(MongoUnavailable)

    async def insert(self, expansions: Sequence[Expansion]) -> list[Carried]:
        async with self.outages.call():
            found = [self._insert(expansion) for expansion in expansions]
        return [each for each in found if each is not None]

    def _insert(self, new: Expansion) -> Carried | None:
        old = self.rows.get(new.id)
        if old is None:
            self.rows[new.id] = new
            return new
        here, there = new.received.record.coordinates, old.received.record.coordinates
        if here == there:
            received = msgspec.structs.replace(
                new.received,
                accepted_at=old.received.accepted_at,
                first_accepted_at=old.received.first_accepted_at,
            )
            workflows = tuple((part.workflow, part.version) for part in old.parts)
            return StoredExpansion(received=received, workflows=workflows, generation=old.generation)
        later = here[:2] != there[:2] or here.offset > there.offset
        if new.received.generation > old.generation:
            generation = new.received.generation
        elif old.state is EventState.DEAD and later:
            generation = old.generation + 1
        else:
            return None
        before = old.received.first_accepted_at
        first = old.received.accepted_at if before is None else before
        said = new.received.first_accepted_at
        received = msgspec.structs.replace(new.received, first_accepted_at=first if said is None else min(said, first))
        self.rows[new.id] = msgspec.structs.replace(new, received=received, generation=generation)
        return self.rows[new.id]
