"""The `requests` collection: one row per tenant and Idempotency-Key, claimed before its call is done."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal, NotRequired, Protocol, TypedDict

import msgspec
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from services.ingest.calls import Answer
from shared.model.errors import MongoUnavailable
from shared.model.ids import SEPARATOR
from shared.mongo.bulk import Rows
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.leases import LEASE_ENDED

LEASE_MS: Final = 30_000
"""How long a call that crashed keeps its key."""


class RequestRow(TypedDict):
    """A call with a key. `_id` is tenant and key; `token` is that of the claim that does it, or did it."""

    _id: str
    tenant: str
    token: str
    fingerprint: str
    state: Literal["in_flight", "done"]
    lease: datetime
    created_at: datetime
    status: NotRequired[int]
    """This and the two below are the answer of a call that is done."""
    body: NotRequired[bytes]
    headers: NotRequired[dict[str, str]]


class RequestClaim(msgspec.Struct, frozen=True, kw_only=True):
    """Who wants to do a call; the token is the claim's own, calls that are the same have the same fingerprint."""

    tenant: str
    key: str
    token: str
    fingerprint: str

    @property
    def row_id(self) -> str:
        """The `_id` of the call's row."""
        return f"{self.tenant}{SEPARATOR}{self.key}"


class RequestStore(Protocol):
    """Where calls are claimed and answers kept. All methods raise MongoUnavailable."""

    async def claim(self, claim: RequestClaim, /) -> RequestRow:
        """Takes the row if it is new, or if the same call crashed with it; returns what is there now."""
        ...

    async def keep(self, claim: RequestClaim, answer: Answer, /) -> None:
        """The answer of a call that is done; nothing when the claim was lost meanwhile."""
        ...

    async def release(self, claim: RequestClaim, /) -> None:
        """Frees the key; nothing when the claim was lost meanwhile."""
        ...


class RequestRows:
    """The collection; leases are on the server's clock."""

    def __init__(self, database: Database) -> None:
        self._rows: Rows = database.requests

    async def claim(self, claim: RequestClaim) -> RequestRow:
        """Takes the row if it is new, or if the same call crashed with it; returns what is there now."""
        fresh = {
            "_id": {"$literal": claim.row_id},
            "tenant": {"$literal": claim.tenant},
            "token": claim.token,
            "fingerprint": claim.fingerprint,
            "state": "in_flight",
            "lease": {"$add": ["$$NOW", LEASE_MS]},
            "created_at": "$$NOW",
        }
        crashed = [
            {"$eq": ["$state", "in_flight"]},
            LEASE_ENDED,
            {"$eq": ["$fingerprint", claim.fingerprint]},
        ]
        mine = {"$or": [{"$eq": [{"$type": "$state"}, "missing"]}, {"$and": crashed}]}
        update = [{"$replaceWith": {"$cond": [mine, fresh, "$$ROOT"]}}]
        with mongo_border():
            for _ in range(3):
                try:
                    found: RequestRow = await self._rows.find_one_and_update(
                        {"_id": claim.row_id}, update, upsert=True, return_document=ReturnDocument.AFTER
                    )
                except DuplicateKeyError:
                    continue  # another call inserted it between look and insert; now it is there
                return found
        raise MongoUnavailable("the row could not be claimed")

    async def keep(self, claim: RequestClaim, answer: Answer) -> None:
        """The answer of a call that is done; nothing when the claim was lost meanwhile."""
        done = {"state": "done", **msgspec.structs.asdict(answer)}
        with mongo_border():
            await self._rows.update_one({"_id": claim.row_id, "token": claim.token}, {"$set": done})

    async def release(self, claim: RequestClaim) -> None:
        """Frees the key; nothing when the claim was lost meanwhile."""
        with mongo_border():
            await self._rows.delete_one({"_id": claim.row_id, "token": claim.token})
