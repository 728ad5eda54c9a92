"""Calls with an Idempotency-Key in memory."""

from __future__ import annotations

from services.ingest.calls import Answer
from services.ingest.request_rows import LEASE_MS, RequestClaim, RequestRow
from shared.model.errors import MongoUnavailable
from shared.model.timestamps import from_datetime, to_datetime
from shared.process.clock import now_ms
from tests.support.twins.outages import Outages


class MemoryRequestRows:
    """A RequestStore."""

    def __init__(self) -> None:
        self.rows: dict[str, RequestRow] = {}
        self.outages = Outages(MongoUnavailable)

    async def claim(self, claim: RequestClaim) -> RequestRow:
        async with self.outages.call():
            row = self.rows.get(claim.row_id)
            if row is None or self._crashed(row, claim):
                row = self.rows[claim.row_id] = {
                    "_id": claim.row_id,
                    "tenant": claim.tenant,
                    "token": claim.token,
                    "fingerprint": claim.fingerprint,
                    "state": "in_flight",
                    "lease": to_datetime(now_ms() + LEASE_MS),
                    "created_at": to_datetime(now_ms()),
                }
            return row.copy()

    async def keep(self, claim: RequestClaim, answer: Answer) -> None:
        async with self.outages.call():
            if self._holds(claim):
                row = self.rows[claim.row_id]
                row["state"] = "done"
                row["status"], row["body"], row["headers"] = answer.status, answer.body, answer.headers

    async def release(self, claim: RequestClaim) -> None:
        async with self.outages.call():
            if self._holds(claim):
                del self.rows[claim.row_id]

    async def end_lease(self, claim: RequestClaim) -> None:
        """As time would."""
        self.rows[claim.row_id]["lease"] = to_datetime(now_ms() - 1)

    def _holds(self, claim: RequestClaim) -> bool:
        return claim.row_id in self.rows and self.rows[claim.row_id]["token"] == claim.token

    @staticmethod
    def _crashed(row: RequestRow, claim: RequestClaim) -> bool:
        ended = from_datetime(row["lease"]) < now_ms()
        return row["state"] == "in_flight" and ended and row["fingerprint"] == claim.fingerprint
