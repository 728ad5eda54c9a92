"""The router, broken: what it stores, looks up, derives and acknowledges."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Final
from uuid import uuid4

import msgspec

from services.router import inputs
from services.router.core.decision import Decision
from services.router.core.inbound import InboundRecord
from services.router.decisions import Decisions
from services.router.faust.streams import Chunk, ChunkStream
from services.router.profile_cache import ProfileCache, ReadProfiles
from shared.model import ids
from shared.model.holds import Hold
from shared.model.lives import Life
from shared.model.notifications import Notification
from shared.model.profiles import Profile
from shared.mongo import fanouts
from shared.mongo.cancellations import Cancellations
from shared.mongo.decisions import DecisionRow
from shared.mongo.holds import Holds
from tests.chaos.breaks.breaking import Break, replace
from tests.chaos.breaks.scenes import CALM, CHANGING, LATE_ROUTER, PAGE_DIES, ROUTER_DIES, ROUTER_FORGETS, Scene


def decisions_not_stored() -> None:
    async def insert(self: Decisions, decisions: Sequence[Decision]) -> list[Decision]:
        return list(decisions)

    async def insert_until_known(self: Decisions, decisions: Sequence[Decision]) -> int:
        return len(decisions)

    async def known(self: Decisions, ids: Sequence[str]) -> dict[str, DecisionRow]:
        return {}

    replace(Decisions, "insert", insert)
    replace(Decisions, "insert_until_known", insert_until_known)
    replace(Decisions, "known", known)


def decisions_without_subject() -> None:
    def decision_id(subject: str, generation: int, pass_: int) -> str:
        return ids.derive("decision", generation, pass_)

    replace(ids, "decision_id", decision_id)


def acknowledged_ahead() -> None:
    chunks = ChunkStream.chunks

    async def acknowledged(self: ChunkStream, *limits: Any) -> AsyncIterator[Chunk]:
        async for chunk in chunks(self, *limits):
            for event in chunk.events:
                await self.ack(event)
            await self.app.consumer.commit()
            yield chunk

    replace(ChunkStream, "chunks", acknowledged)


def random_delivery_ids() -> None:
    def delivery_id(notification: str, step: str, channel: str, endpoint: str) -> str:
        return str(uuid4())

    replace(ids, "delivery_id", delivery_id)


def holds_not_written() -> None:
    async def insert(self: Holds, holds: Sequence[Hold]) -> None:
        return None

    replace(Holds, "insert", insert)


def page_taken_without_coordinates() -> None:
    replace(fanouts, "takes", lambda *_: False)


def profiles_without_tenant() -> None:
    made = ProfileCache.__init__

    def make(self: ProfileCache, read: ReadProfiles, **more: Any) -> None:
        async def of_default(keys: list[str]) -> dict[str, Profile]:
            theirs = {key: f"default:{key.partition(':')[2]}" for key in keys}
            found = await read(sorted(set(theirs.values())))
            return {key: found[other] for key, other in theirs.items() if other in found}

        made(self, of_default, **more)

    replace(ProfileCache, "__init__", make)


def profiles_kept() -> None:
    def evict(self: ProfileCache, keys: Iterable[str]) -> None:
        return None

    replace(ProfileCache, "evict", evict)


def successor_inherits() -> None:
    def in_the_life_of_now(each: InboundRecord, life: Life) -> Notification:
        return msgspec.structs.replace(each.about, life=life.number)

    replace(inputs, "_in_its_life", in_the_life_of_now)


def cancels_not_looked_up() -> None:
    async def counts(self: Cancellations, notifications: Sequence[Notification]) -> list[int]:
        return [0 for _ in notifications]

    replace(Cancellations, "counts", counts)


def _row(name: str, apply: Any, *shows: str, scene: Scene = CALM) -> Break:
    return Break(name=name, apply=apply, services=("router",), shows=frozenset(shows), scene=scene)


BREAKS: Final = (
    _row("a decision is not stored", decisions_not_stored, "contradicted", scene=ROUTER_FORGETS),
    _row("a decision's id is without its subject", decisions_without_subject, "unterminated"),
    _row("an offset is committed before its work is done", acknowledged_ahead, "unterminated", scene=ROUTER_DIES),
    _row("a delivery's id is not derived", random_delivery_ids, "phantom", scene=ROUTER_FORGETS),
    _row("a hold is decided and not written", holds_not_written, "unterminated"),
    _row("a page is taken whatever its coordinates", page_taken_without_coordinates, "unterminated", scene=PAGE_DIES),
    _row("a profile is looked up without its tenant", profiles_without_tenant, "leaked"),
    _row("a changed profile stays in memory", profiles_kept, "unwanted", scene=CHANGING),
    _row("a deleted user's successor inherits", successor_inherits, "leaked", scene=LATE_ROUTER),
    _row("a cancel is not looked up", cancels_not_looked_up, "unterminated"),
)
