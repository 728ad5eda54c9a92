"""Deciding a chunk of `notifications.v1`: load, decide, record; then carry out what was decided.

Both halves may be repeated: what is stored is met as a replay of itself. The agent acknowledges the chunk
when `finish` returns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from services.router.core.decision import Decision, Snapshot, decide
from services.router.core.effects import DecisionEffects, begin_lives, derive_effects
from services.router.core.inbound import ChangedTenant, InboundRecord, read
from services.router.decisions import DecisionStore, as_stored, closed_by, is_replay
from services.router.inputs import Inputs
from services.router.replays import ReplayWatch
from services.router.stops import StoppedHolds
from services.router.withdrawals import InboxHolderLookup, WithdrawnItems
from shared.deciding.asked import Asked, asked
from shared.deciding.history_book import HistoryBook, LoadedHistory
from shared.deciding.routing_input import RoutingInput
from shared.kafka.dead_letters import refuse
from shared.model.formats import NewerFormat
from shared.model.holds import Hastening, Hold
from shared.model.outputs import KafkaRecord, Output
from shared.model.ports import HoldStore, LedgerStore, RecordWriter
from shared.model.records import Record, encode, profile_changed
from shared.model.topics import Topics
from shared.mongo.decisions import DecisionRow
from shared.mongo.histories import HistoryStore
from shared.process.clock import now_ms
from shared.process.failpoints import Failpoint, failpoint
from shared.process.metrics import DECISIONS


class LifeStore(Protocol):
    """Where users' lives are kept."""

    async def settle(self, lives: Mapping[str, int], /) -> None:
        """`decide` has met the records of these lives (by user key); repeated, it changes nothing.

        Raises MongoUnavailable.
        """
        ...


class Prepared(NamedTuple):
    """A chunk whose decisions are stored, and what must follow them."""

    decisions: list[Decision]
    effects: DecisionEffects
    dead_letters: list[Output]
    changed: dict[str, Hastening]
    """Users whose profiles changed, by key."""
    tenants: dict[str, ChangedTenant]
    """Tenants whose settings changed."""
    withdrawals: list[Record]


class Decider:
    """Decides chunks of `notifications.v1`."""

    def __init__(
        self,
        *,
        inputs: Inputs,
        decisions: DecisionStore,
        holds: HoldStore,
        ledger: LedgerStore,
        lives: LifeStore,
        stopped: StoppedHolds,
        inboxes: InboxHolderLookup,
        history: HistoryStore,
        publisher: RecordWriter,
        topics: Topics,
    ) -> None:
        self._inputs = inputs
        self._decisions = decisions
        self._holds = holds
        self._ledger = ledger
        self._lives = lives
        self._stopped = stopped
        self._withdrawn = WithdrawnItems(inboxes=inboxes, topics=topics)
        self._history = history
        self._publisher = publisher
        self._topics = topics
        self._replays = ReplayWatch()

    def assigned(self) -> None:
        """Partitions moved: what is read next may have been decided by another process."""
        self._replays.reset()

    async def prepare(self, chunk: Sequence[KafkaRecord]) -> Prepared:
        """Decides a chunk and stores the decisions.

        Raises MongoUnavailable: call again with the same chunk. NewerFormat: call again without what waits.
        """
        try:
            return await self._prepare(chunk)
        except BaseException:
            self._replays.reset()  # a part of it may be stored
            raise

    async def _prepare(self, chunk: Sequence[KafkaRecord]) -> Prepared:
        inbound, changed, unreadable, tenants, withdrawals = read(chunk)
        self._inputs.evict_tenants(tenants)
        self._inputs.evict(changed)  # before the look-ups, so that all of the chunk sees the new profiles
        now = now_ms()
        loaded = await self._inputs.load(inbound, now)
        carried = await self._store(inbound, loaded, now)
        failpoint(Failpoint.AFTER_DECISION)
        if adding := [decision.decided for decision in carried if decision.changes_history]:
            await self._history.apply(adding)
        await self._settle(changed)
        letters = refuse(self._topics.events_dlq, unreadable, group=self._topics.group("router"))
        return Prepared(carried, derive_effects(self._topics, carried), letters, changed, tenants, withdrawals)

    async def _store(
        self, inbound: Sequence[InboundRecord], loaded: Sequence[tuple[RoutingInput, Snapshot]], now: int
    ) -> list[Decision]:
        """Decides a chunk and stores it; returns what is to be carried out, in order.

        What gathers is stored in its order, up to one that a process which had the partition before has decided
        meanwhile: it is decided again then, by what was, for the others may have joined what nobody holds.
        """
        decisions, gathering = await self._decide(inbound, loaded, now)
        while gathering and await self._decisions.insert_until_known(gathering) < len(gathering):
            decisions, gathering = await self._decide(inbound, loaded, now)
        if not gathering:
            return await self._decisions.insert(decisions)
        mine = {id(decision) for decision in gathering}
        others = await self._decisions.insert([decision for decision in decisions if id(decision) not in mine])
        carried = {decision.id: decision for decision in (*others, *gathering)}
        return [found for decision in decisions if (found := carried.pop(decision.id, None)) is not None]

    async def _decide(
        self, inbound: Sequence[InboundRecord], loaded: Sequence[tuple[RoutingInput, Snapshot]], now: int
    ) -> tuple[list[Decision], list[Decision]]:
        """A decision for each record, in order; each knows what those before it have added to its user's history.

        And those of them that are new and gather, or close what was gathered.
        """
        wanted = [asked(inputs) for inputs, _ in loaded]
        if not any(wanted):
            return [decide(each, *inputs, at=now) for each, inputs in zip(inbound, loaded, strict=True)], []
        doubtful = [
            each
            for each, ask in zip(inbound, wanted, strict=True)
            if ask is not None and (ask.slots or ask.digest is not None or self._replays.expects(each.coordinates[:2]))
        ]
        known = await self._decisions.known([each.decision_id for each in doubtful])
        self._replays.saw((each.coordinates[:2], each.decision_id in known) for each in doubtful)
        wanted = [_as_it_closed(ask, known.get(each.decision_id)) for each, ask in zip(inbound, wanted, strict=True)]
        book = HistoryBook(await self._read_history(inbound, wanted))
        decisions: list[Decision] = []
        gathering: list[Decision] = []
        decided: set[str] = set()
        for each, (inputs, snapshot), ask in zip(inbound, loaded, wanted, strict=True):
            seen = inputs if ask is None else msgspec.structs.replace(inputs, history=book.view(ask))
            decision = decide(each, seen, snapshot, at=now)
            decisions.append(decision)
            if ask is not None:
                row = known.get(decision.id)
                if row is None and decision.id not in decided:  # said twice, it is stored and counts once
                    decided.add(decision.id)
                    book.add(decision.decided)
                    if ask.slots or ask.digest is not None:
                        gathering.append(decision)
                elif row is not None and is_replay(decision, row):  # what was decided counts, not what would be now
                    book.add(as_stored(decision, row).decided)
        return decisions, gathering

    async def _read_history(self, inbound: Sequence[InboundRecord], wanted: Sequence[Asked | None]) -> LoadedHistory:
        """For all at once; only where that raises NewerFormat, one by one, to name the record that waits."""
        asking = [(each, ask) for each, ask in zip(inbound, wanted, strict=True) if ask is not None]
        try:
            return await self._history.load([ask for _, ask in asking])
        except NewerFormat:
            for each, ask in asking:
                try:
                    await self._history.load([ask])
                except NewerFormat as newer:
                    raise newer.of(each.coordinates) from None
        return await self._history.load([ask for _, ask in asking])

    async def _settle(self, changed: dict[str, Hastening]) -> None:
        """What was written before a deletion is decided by now: what follows belongs to the next life."""
        begun = {key: change.life for key, change in changed.items() if change.life}
        if begun:
            await self._lives.settle(begun)
            self._inputs.evict(begun)

    async def finish(self, prepared: Prepared) -> None:
        """Carries out what was decided; returns when all of it is durable.

        Raises MongoUnavailable or KafkaUnavailable: call again.
        """
        effects = prepared.effects
        more: list[Output] = []
        if prepared.changed:  # before the holds of this chunk, which was decided with the new profiles
            more = [self._go_on(*user) for user in (await self._holds.hasten_users(prepared.changed)).items()]
        if prepared.tenants:
            more += await self._stopped.sweep(prepared.tenants)
        if prepared.withdrawals:
            more += await self._withdrawn.look(prepared.withdrawals)
        await self._holds.insert(effects.holds)
        await self._hasten_cancelled(effects.holds)
        await self._holds.bring_forward(effects.full, effects.superseded)
        failpoint(Failpoint.AFTER_HOLD)
        await self._ledger.close(effects.closings)
        begun = begin_lives(self._topics, prepared.changed)
        await self._publisher.publish(effects.outputs + begun + prepared.dead_letters + more)
        failpoint(Failpoint.AFTER_PRODUCE)
        _count(prepared.decisions)

    async def _hasten_cancelled(self, holds: Sequence[Hold]) -> None:
        """A cancel between the decision and its holds found none to hasten: they would wait for their time."""
        for (tenant, key), count in (await self._inputs.cancelled_since(holds)).items():
            await self._holds.hasten(tenant, key, cancel_count=count)

    def _go_on(self, user_key: str, change: Hastening) -> Output:
        """More of the user's holds are to be brought forward: with a later chunk, so that this one ends."""
        tenant, _, user = user_key.partition(":")
        record = profile_changed(tenant, user, change.life, after=change.after)
        return Output(self._topics.notifications, user_key.encode(), encode(record), [])


def _as_it_closed(ask: Asked | None, row: DecisionRow | None) -> Asked | None:
    """What is decided already closes its digest with what that had then."""
    closed = closed_by(row) if ask is not None and ask.digest is not None and row is not None else None
    return ask if ask is None or closed is None else msgspec.structs.replace(ask, closed=closed)


def _count(decisions: Sequence[Decision]) -> None:
    outcomes = Counter((item.outcome, item.reason or "none") for decision in decisions for item in decision.items)
    for (outcome, reason), count in outcomes.items():
        DECISIONS.labels(outcome, reason).inc(count)
