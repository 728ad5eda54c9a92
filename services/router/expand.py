"""Expanding a chunk of `events.v1`: read, record which workflows each event starts, write their notifications."""

from __future__ import annotations

from collections.abc import Sequence

from services.router.core.expansion import Expansion, ReceivedEvent, expansion_outputs, read_events
from services.router.expansions import ExpansionStore
from shared.kafka.dead_letters import refuse
from shared.model.dead_letters import UnreadableRecord
from shared.model.errors import InvalidEvent
from shared.model.outputs import KafkaRecord, Output
from shared.model.ports import RecordWriter, WorkflowCatalog
from shared.model.topics import Topics
from shared.process.clock import now_ms
from shared.process.failpoints import Failpoint, failpoint


class Expander:
    """Expands chunks of `events.v1`."""

    def __init__(
        self, *, expansions: ExpansionStore, publisher: RecordWriter, catalog: WorkflowCatalog, topics: Topics
    ) -> None:
        self._expansions = expansions
        self._publisher = publisher
        self._catalog = catalog
        self._topics = topics

    async def prepare(self, chunk: Sequence[KafkaRecord]) -> list[Output]:
        """Stores what a chunk of events expands to, and returns it. Raises MongoUnavailable: call again."""
        unreadable: list[UnreadableRecord] = []
        found = [self._expansion(each) for each in _read(chunk, now_ms(), unreadable)]
        carried = await self._expansions.insert(found)
        failpoint(Failpoint.AFTER_EXPANSION)
        await self._catalog.fetch(
            place for expansion in carried for place in expansion.versions if self._catalog.version(*place) is None
        )
        outputs: list[Output] = []
        for expansion in carried:
            workflows = [self._catalog.version(*place) for place in expansion.versions]
            known = [workflow for workflow in workflows if workflow is not None]
            try:
                outputs += expansion_outputs(self._topics, expansion, known)
            except InvalidEvent as error:
                unreadable.append(UnreadableRecord(expansion.received.record, error))
        return outputs + refuse(self._topics.events_dlq, unreadable, group=self._topics.group("router"))

    async def finish(self, prepared: list[Output]) -> None:
        """Writes it; returns when all of it is durable. Raises KafkaUnavailable: call again."""
        await self._publisher.publish(prepared)
        failpoint(Failpoint.AFTER_PRODUCE)

    def _expansion(self, received: ReceivedEvent) -> Expansion:
        """The event with the workflows that it starts as far as this process knows them."""
        started = self._catalog.started_by(received.tenant, received.event.type)
        return Expansion(received=received, workflows=tuple((found.key, found.version) for found in started))


def _read(chunk: Sequence[KafkaRecord], now: int, unreadable: list[UnreadableRecord]) -> list[ReceivedEvent]:
    """The events of a chunk; what is none goes to `unreadable`."""
    found: list[ReceivedEvent] = []
    for record in chunk:
        events, wrong = read_events(record, now)
        found += events
        if wrong is not None:
            unreadable.append(UnreadableRecord(record, wrong))
    return found
