"""What operators want of dead letters: checked, stored, and from there on the redriver's."""

from __future__ import annotations

import math
from typing import Any, Final

from services.console.letters.changes import DeadLetterChanges
from services.console.letters.core.deeds import of_discard, of_job
from services.console.letters.core.jobs import JobState, RedriveJob, RedrivePreview
from services.console.letters.core.letter_filter import LetterFilter, WantedState, query_of
from services.console.letters.core.letter_row import DeadLetterRow, StoredRedrive
from services.console.letters.core.redriving import Obstacle, again, obstacle, redrive_of
from services.console.letters.job_rows import RedriveJobs
from services.console.letters.store import DeadLetters
from shared.model.audit import AuditAction
from shared.model.dead_letters import DeadLetterState
from shared.model.deliveries import DeliveryState
from shared.model.formats import check_row
from shared.model.timestamps import to_datetime
from shared.mongo.api_keys import Principal
from shared.mongo.audit import AuditLog
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.process.clock import now_ms

MAX_RUNNING: Final = 10
"""Redrives of many of one tenant at once."""
ENDED_UNSENT: Final = frozenset({DeliveryState.EXPIRED, DeliveryState.SUPPRESSED, DeliveryState.CANCELLED})
SUPPRESSED_ITEMS: Final = frozenset({"suppress"})


class LetterActions:
    """All methods raise MongoUnavailable; then the same call may be repeated, and does nothing twice."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._letters = DeadLetters(database)
        self._changes = DeadLetterChanges(database)
        self._audit = AuditLog(database)
        self._jobs = RedriveJobs(database)

    async def plan(
        self, row: DeadLetterRow, owner: Principal, *, forced: bool, data: bytes | None
    ) -> StoredRedrive | Obstacle:
        """How the letter would be sent again, or why not. Raises InvalidRecord, NewerFormat."""
        check_row("dead letter", row)
        now, asked = now_ms(), row
        before = row.get("redrive")
        if row["state"] == DeadLetterState.REDRIVEN and before is not None and await self._sent_nothing(row, before):
            asked = again(row, before)
        stands = obstacle(asked, now, forced=forced)
        return stands or redrive_of(asked, by=owner.key_id, at=now, forced=forced, data=data)

    async def redrive(self, row: DeadLetterRow, redrive: StoredRedrive) -> DeadLetterRow | None:
        """The letter is on its way, unless somebody else was faster; returns how it stands."""
        before = row.get("redrive")
        if before is None:
            await self._changes.begin({row["_id"]: redrive})
        else:
            await self._changes.begin_again(row["_id"], before["generation"], redrive)
        return await self._letters.find(row["tenant"], row["_id"])

    async def _sent_nothing(self, row: DeadLetterRow, redrive: StoredRedrive) -> bool:
        """Whether the redrive ended without a send: expired, suppressed, cancelled."""
        if "delivery" not in row:
            return False
        place: dict[str, Any] = {"notification": row.get("notification"), "tenant": row["tenant"]}
        with mongo_border():
            entry = await self._database.deliveries.find_one({"_id": row["delivery"], "tenant": row["tenant"]})
            if entry is not None and entry["generation"] >= redrive["generation"]:
                return entry["state"] in ENDED_UNSENT
            decision = await self._database.decisions.find_one(
                place | {"subject": row["delivery"], "generation": redrive["generation"]}, sort=[("pass", -1)]
            )
        return decision is not None and {item["type"] for item in decision["items"]} <= SUPPRESSED_ITEMS

    async def discard(self, row: DeadLetterRow, owner: Principal) -> DeadLetterRow | None:
        """Nobody sends the letter any more; returns how it stands. Repeated, it is told once."""
        await self._changes.discard(row["tenant"], row["_id"], owner.key_id)
        found = await self._letters.find(row["tenant"], row["_id"])
        if found is not None and found["state"] == DeadLetterState.DISCARDED and "discarded_by" in found:
            await self._audit.write([of_discard(found, found["discarded_by"], now_ms())])
        return found

    async def preview(self, tenant: str, wanted: LetterFilter, *, forced: bool, per_second: int) -> RedrivePreview:
        """What a redrive of many would do now."""
        now = to_datetime(now_ms())
        whole = {"$and": ["$whole", {"$ne": ["$erased", True]}]}
        past = {"$and": [whole, {"$lte": [{"$ifNull": ["$ends_at", now]}, now]}, {"$gt": ["$ends_at", None]}]}
        stages: list[dict[str, Any]] = [
            {"$match": query_of(tenant, wanted, WantedState.OPEN)},
            {
                "$group": {
                    "_id": None,
                    "wanted": {"$sum": 1},
                    "whole": {"$sum": {"$cond": [whole, 1, 0]}},
                    "expired": {"$sum": {"$cond": [past, 1, 0]}},
                }
            },
        ]
        with mongo_border():
            found = await self._database.dead_letters.aggregate(stages).to_list(None)
        counts = found[0] if found else {"wanted": 0, "whole": 0, "expired": 0}
        expired = 0 if forced else counts["expired"]
        to_redrive = counts["whole"] - expired
        return RedrivePreview(
            wanted=counts["wanted"],
            to_redrive=to_redrive,
            expired=expired,
            not_whole=counts["wanted"] - counts["whole"],
            seconds=math.ceil(to_redrive / per_second),
        )

    async def start(self, owner: Principal, job: RedriveJob) -> RedriveJob | None:
        """Stores a redrive of many; None: too many of the tenant's are under way."""
        with mongo_border():
            running = await self._database.redrives.count_documents(
                {"tenant": owner.tenant, "state": JobState.RUNNING.value}, limit=MAX_RUNNING
            )
        if running >= MAX_RUNNING:
            return None
        await self._jobs.insert(job)
        return job

    async def cancel(self, owner: Principal, job: str) -> RedriveJob | None:
        """It looks at no further letter; None: the tenant has no such job."""
        found = await self._jobs.cancel(owner.tenant, job)
        if found is not None and found.state is JobState.CANCELLED:
            await self._audit.write([of_job(found, AuditAction.REDRIVE_CANCELLED, owner.key_id)])
        return found
