"""Cancels by key: what is not sent yet ends, and, if that is asked for, what stands in inboxes is taken out again."""

from __future__ import annotations

from typing import Final

import orjson
import pymongo

from services.ingest.acceptance import Intake, RecordAcceptance
from services.ingest.calls import Answer, Caller
from services.ingest.models.notifications import CancelRequest
from shared.model import ids
from shared.model.outputs import Output
from shared.model.records import encode, withdraw
from shared.model.topics import Topics
from shared.model.withdrawals import Withdrawal
from shared.mongo.cancellations import Cancellations
from shared.mongo.database import Database
from shared.mongo.holds import Holds
from shared.mongo.inbox_writing import InboxRows

CANCEL_SECONDS: Final = 1.5


class Canceller:
    """Carries out cancels."""

    def __init__(self, database: Database, *, acceptance: RecordAcceptance, topics: Topics) -> None:
        self._cancellations = Cancellations(database)
        self._holds = Holds(database)
        self._inboxes = InboxRows(database)
        self._acceptance = acceptance
        self._topics = topics

    async def cancel(self, caller: Caller, wanted: CancelRequest) -> Answer:
        """202 when all that was accepted with the key so far will end, and leave the inboxes, whatever crashes.

        Raises MongoUnavailable, Problem 503: it may be cancelled in part; call again.
        """
        tenant, key = caller.tenant, caller.cancels_by(wanted.cancellation_key)
        answer: dict[str, object] = {"cancellation_key": wanted.cancellation_key}
        # The counter first: what is accepted from here on carries the new one and lives.
        with pymongo.timeout(CANCEL_SECONDS):
            count = await self._cancellations.cancel(tenant, key, withdraw=wanted.withdraw)
            answer["holds_cancelled"] = await self._holds.hasten(tenant, key, cancel_count=count)
            if wanted.withdraw:
                what = Withdrawal(cancellation_key=key, count=count)
                answer["items_withdrawn"] = await self._inboxes.count_held(tenant, what)
        if wanted.withdraw:
            record = encode(withdraw(tenant, what))
            output = Output(self._topics.notifications, ids.user_key(tenant, ""), record, [])
            await self._acceptance.accept(caller, Intake.WITHDRAWAL, [output], 1)
        return Answer(status=202, body=orjson.dumps(answer))
