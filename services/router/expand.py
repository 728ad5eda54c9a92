"""Expanding a chunk of events: read, record what each workflow makes of them, write their notifications."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from services.router.core.expansion import Expansion, StoredExpansion, expansion_outputs, untrusted_status
from services.router.core.parts import expand_parts, unknown_part
from services.router.core.received_event import EventTenants, ReceivedEvent, TenantNotTrusted, read_events
from services.router.expansions import ExpansionStore
from services.router.fanout import FanoutStore
from shared.kafka.dead_letters import refuse
from shared.model.dead_letters import UnreadableRecord
from shared.model.errors import InvalidEvent
from shared.model.formats import NewerFormat
from shared.model.output_slices import in_slices
from shared.model.outputs import KafkaRecord, Output
from shared.model.ports import RecordWriter, WorkflowCatalog
from shared.model.topics import Topics
from shared.model.workflows import Workflow
from shared.process.clock import now_ms
from shared.process.failpoints import Failpoint, failpoint
from shared.process.metrics import NOT_EXPANDED


class PreparedEvents(msgspec.Struct, frozen=True, kw_only=True):
    """What a chunk of events came to. Small: what is written of it is made when it is written."""

    expansions: tuple[Expansion, ...]
    untrusted: tuple[Output, ...]
    """Statuses of events that named another tenant."""
    dead: tuple[Output, ...]
    """Dead letters."""

    def outputs(self, topics: Topics) -> Iterator[Output]:
        """Everything that must follow, in order; the same each time."""
        yield from self.untrusted
        for expansion in self.expansions:
            yield from expansion_outputs(topics, expansion)
        yield from self.dead


class Expander:
    """Expands chunks of the topics of events."""

    def __init__(
        self,
        *,
        expansions: ExpansionStore,
        fanouts: FanoutStore,
        publisher: RecordWriter,
        catalog: WorkflowCatalog,
        topics: Topics,
        tenants: EventTenants,
    ) -> None:
        self._expansions = expansions
        self._fanouts = fanouts
        self._publisher = publisher
        self._catalog = catalog
        self._topics = topics
        self._tenants = tenants

    async def prepare(self, chunk: Sequence[KafkaRecord]) -> PreparedEvents:
        """Stores what a chunk of events expands to, and returns it.

        Raises MongoUnavailable: call again. NewerFormat: call again without what waits.
        """
        unreadable: list[UnreadableRecord] = []
        untrusted: list[Output] = []
        found = [self._expansion(received) for received in self._read(chunk, unreadable, untrusted)]
        carried = await self._expansions.insert(found)
        failpoint(Failpoint.AFTER_EXPANSION)
        await self._catalog.fetch(
            place for each in carried if isinstance(each, StoredExpansion) for place in each.versions
        )
        expansions = tuple(self._again(each) if isinstance(each, StoredExpansion) else each for each in carried)
        for expansion in expansions:
            if expansion.error is not None:
                unreadable.append(UnreadableRecord(expansion.received.record, expansion.error, expansion.id))
            _count(expansion)
        # Before the records of their first pages, which `finish` writes.
        await self._fanouts.insert([fanout for each in expansions for fanout in each.fanouts])
        return PreparedEvents(
            expansions=expansions,
            untrusted=tuple(untrusted),
            dead=tuple(refuse(self._topics.events_dlq, unreadable, group=self._topics.group("router"))),
        )

    async def finish(self, prepared: PreparedEvents) -> None:
        """Writes it in slices; returns when all of it is durable. Raises KafkaUnavailable: call again.

        Then all of it is written again, under the same ids.
        """
        for each in in_slices(prepared.outputs(self._topics)):
            await self._publisher.publish(each)
            del each  # before the next one is made
        failpoint(Failpoint.AFTER_PRODUCE)

    def _read(
        self, chunk: Sequence[KafkaRecord], unreadable: list[UnreadableRecord], untrusted: list[Output]
    ) -> list[ReceivedEvent]:
        """The events of a chunk; what is none goes to `unreadable`, and its status, if it can have one, to `untrusted`."""
        found: list[ReceivedEvent] = []
        now = now_ms()
        for record in chunk:
            wrong: InvalidEvent | None = None
            for each in read_events(record, now, self._tenants):
                if isinstance(each, ReceivedEvent):
                    found.append(each)
                    continue
                wrong = wrong or each
                if isinstance(each, TenantNotTrusted):
                    untrusted.append(untrusted_status(self._topics, each))
            if wrong is not None:
                event = wrong.received.id if isinstance(wrong, TenantNotTrusted) else None
                unreadable.append(UnreadableRecord(record, wrong, event))
        return found

    def _expansion(self, received: ReceivedEvent) -> Expansion:
        """The event by the workflows that it starts as far as this process knows them. Raises NewerFormat."""
        try:
            started = self._catalog.started_by(received.tenant, received.event.type)
        except NewerFormat as newer:
            raise newer.of(received.record.coordinates) from None
        return Expansion(received=received, parts=expand_parts(received, started), generation=received.generation)

    def _again(self, stored: StoredExpansion) -> Expansion:
        """The event by the versions that it was expanded by before."""
        workflows = {place: self._version(stored, place) for place in stored.versions}
        known = [workflow for workflow in workflows.values() if workflow is not None]
        gone = [unknown_part(key, version) for (_, key, version), workflow in workflows.items() if workflow is None]
        parts = (*expand_parts(stored.received, known), *gone)
        return Expansion(received=stored.received, parts=parts, generation=stored.generation)

    def _version(self, stored: StoredExpansion, place: tuple[str, str, int]) -> Workflow | None:
        try:
            return self._catalog.version(*place)
        except NewerFormat as newer:
            raise newer.of(stored.received.record.coordinates) from None


def _count(expansion: Expansion) -> None:
    for part in expansion.parts:
        if part.rejected is not None:
            NOT_EXPANDED.labels("workflow", part.rejected.reason).inc()
        for left_out in part.left_out:
            NOT_EXPANDED.labels("recipient", left_out.reason).inc()
