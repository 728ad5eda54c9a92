"""Holds and the one clock, broken."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from services.scheduler.release import Releases
from shared.model import ids
from shared.mongo import holds
from shared.mongo.bulk import Rows
from shared.mongo.hold_claims import HoldClaims
from shared.mongo.hold_rows import ClaimedHold
from shared.mongo.holds import Holds
from shared.mongo.leases import Lease
from tests.chaos.breaks.breaking import Break, replace
from tests.chaos.breaks.scenes import CALM, DELETED_LATE, HOLD_DIES, Scene


def deleted_before_produced() -> None:
    claim = Holds.claim

    async def delete(self: Holds, *, most: int, lease: timedelta) -> tuple[str, list[ClaimedHold]]:
        token, claimed = await claim(self, most=most, lease=lease)
        await self.release(token)
        return token, claimed

    replace(Holds, "claim", delete)


def deleted_without_token() -> None:
    async def delete_claimed(rows: Rows, token: str) -> int:
        return int((await rows.delete_many({"token": {"$exists": True}})).deleted_count)

    replace(holds, "delete_claimed", delete_claimed)


def released_before_due() -> None:
    claim = HoldClaims.claim

    async def ahead(self: HoldClaims, lease: Lease, *, most: int) -> list[Any]:
        return await claim(self, lease._replace(now=lease.now + timedelta(days=1)), most=most)

    async def seconds_to_next(self: Holds, most: float) -> float:
        return min(most, 0.1)

    replace(HoldClaims, "claim", ahead)
    replace(Holds, "seconds_to_next", seconds_to_next)


def last_of_a_batch_left_out() -> None:
    release = Releases._release

    async def all_but_one(self: Releases, token: str, claimed: Sequence[ClaimedHold]) -> None:
        await release(self, token, claimed[:-1])

    replace(Releases, "_release", all_but_one)


def hold_ids_without_pass() -> None:
    def hold_id(subject: str, cause: str, generation: int, pass_: int) -> str:
        return ids.derive("hold", subject, cause, generation)

    replace(ids, "hold_id", hold_id)


def _row(name: str, apply: Any, *shows: str, scene: Scene = CALM, services: tuple[str, ...] = ("scheduler",)) -> Break:
    return Break(name=name, apply=apply, services=services, shows=frozenset(shows), scene=scene)


BREAKS: Final = (
    _row("a hold is deleted before it is produced", deleted_before_produced, "unterminated", scene=HOLD_DIES),
    _row("what others have claimed is deleted, too", deleted_without_token, "unterminated", scene=HOLD_DIES),
    _row("a hold is released before it is due", released_before_due, "early"),
    _row("the last of a batch is not produced", last_of_a_batch_left_out, "unterminated"),
    _row(
        "a hold's id is without its pass",
        hold_ids_without_pass,
        "unterminated",
        scene=DELETED_LATE,
        services=("router", "delivery"),
    ),
)
