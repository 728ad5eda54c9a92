"""Idempotency-Key (IETF draft-ietf-httpapi-idempotency-key-header): a finished call is answered again, not done again.

Only 2xx answers are kept, for 24 h. While MongoDB is unavailable calls go on without: event ids derive from the key,
so what is accepted twice is one event all the same.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any, Final
from uuid import uuid4

import msgspec
import pymongo
import structlog
from fastapi import Request
from fastapi.responses import Response
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from services.ingest.calls import Call, Caller
from shared.http.problems import Problem
from shared.model.errors import MongoUnavailable
from shared.model.ids import SEPARATOR
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.leases import LEASE_ENDED

MOST: Final = 255
LEASE_MS: Final = 30_000
"""How long a call that crashed keeps its key."""
SKIP_SECONDS: Final = 1.0
"""After MongoDB did not answer, calls go on without asking it for this long."""
_QUOTED = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_BARE = re.compile(r"[\x21\x23-\x7e](?:[\x20-\x21\x23-\x7e]*[\x21\x23-\x7e])?")
_ESCAPE = re.compile(r"\\(.)")

log = structlog.get_logger()


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a call answers."""

    status: int
    body: bytes
    headers: dict[str, str] = {}

    def respond(self, *, replayed: bool = False) -> Response:
        """The answer as it goes out."""
        extra = {"Idempotency-Replayed": "true"} if replayed else {}
        return Response(self.body, self.status, headers=self.headers | extra, media_type="application/json")


Act = Callable[[], Awaitable[Answer]]


def parse_key(header: str | None) -> str | None:
    """The key of the header: a structured-field string, or bare as many clients send it. Raises Problem 400."""
    if header is None:
        return None
    text = header.strip()
    quoted = _QUOTED.fullmatch(text)
    key = _ESCAPE.sub(r"\1", quoted[1]) if quoted else text
    if not (quoted or _BARE.fullmatch(text)) or not 1 <= len(key) <= MOST:
        raise Problem(
            400,
            "invalid_idempotency_key",
            f"an Idempotency-Key has 1 to {MOST} printable ASCII characters",
            fix='Send one fresh key per operation, as Idempotency-Key: "6f1c0b5e-8d7e-4f0a-9f5d-0c6a3f1f2b11"',
        )
    return key


def fingerprint(request: Request, raw: bytes) -> str:
    """What must be equal for a call to be the same call; CloudEvents attributes may be headers."""
    digest = sha256(f"{request.method} {request.url.path}\n".encode())
    for name, value in sorted(request.headers.raw):
        if name.startswith(b"ce-") or name == b"content-type":
            digest.update(name + b":" + value + b"\n")
    digest.update(b"\n" + raw)
    return digest.hexdigest()


class Requests:
    """The `requests` collection: one row per tenant and key."""

    def __init__(self, database: Database) -> None:
        self._rows = database.requests
        self._skip_until = 0.0

    async def once(self, call: Call, act: Act) -> Response:
        """Does `act` unless the same call was done before. Raises Problem 409 or 422, and what `act` raises."""
        caller = call.caller
        if call.key is None or time.monotonic() < self._skip_until:
            return (await act()).respond()
        row = f"{caller.tenant}{SEPARATOR}{call.key}"
        token, print_ = uuid4().hex, fingerprint(call.request, call.raw)
        try:
            with caller.within_preparation():
                found = await self._claim(row, caller.tenant, token, print_)
        except MongoUnavailable:
            self._skip_until = time.monotonic() + SKIP_SECONDS
            log.warning("idempotency_skipped", next="event ids still derive from the key; the next look is in 1 s")
            return (await act()).respond()
        if found["token"] == token:
            return await self._do(caller, row, token, act)
        return _repeat(found, print_)

    async def _claim(self, row: str, tenant: str, token: str, print_: str) -> dict[str, Any]:
        """Takes the row if it is new, or if the same call crashed with it; returns what is there now."""
        fresh = {
            "_id": {"$literal": row},
            "tenant": {"$literal": tenant},
            "token": token,
            "fingerprint": print_,
            "state": "in_flight",
            "lease": {"$add": ["$$NOW", LEASE_MS]},
            "created_at": "$$NOW",
        }
        crashed = [
            {"$eq": ["$state", "in_flight"]},
            LEASE_ENDED,
            {"$eq": ["$fingerprint", print_]},
        ]
        mine = {"$or": [{"$eq": [{"$type": "$state"}, "missing"]}, {"$and": crashed}]}
        update = [{"$replaceWith": {"$cond": [mine, fresh, "$$ROOT"]}}]
        with mongo_border():
            for _ in range(3):
                try:
                    found: dict[str, Any] = await self._rows.find_one_and_update(
                        {"_id": row}, update, upsert=True, return_document=ReturnDocument.AFTER
                    )
                except DuplicateKeyError:
                    continue  # another call inserted it between look and insert; now it is there
                return found
        raise MongoUnavailable("the row could not be claimed")

    async def _do(self, caller: Caller, row: str, token: str, act: Act) -> Response:
        try:
            answer = await act()
        except BaseException:
            await self._finish(caller, row, token, None)
            raise
        await self._finish(caller, row, token, answer)
        return answer.respond()

    async def _finish(self, caller: Caller, row: str, token: str, answer: Answer | None) -> None:
        """Keeps the answer, or frees the key. When this fails the lease frees it."""
        mine = {"_id": row, "token": token}
        try:
            with pymongo.timeout(caller.prepare_seconds), mongo_border():
                if answer is None:
                    await self._rows.delete_one(mine)
                else:
                    done = {"state": "done", **msgspec.structs.asdict(answer)}
                    await self._rows.update_one(mine, {"$set": done})
        except MongoUnavailable:
            self._skip_until = time.monotonic() + SKIP_SECONDS


def _repeat(found: dict[str, Any], print_: str) -> Response:
    if found["fingerprint"] != print_:
        raise Problem(
            422,
            "idempotency_key_reused",
            "this Idempotency-Key came with another request before",
            fix="Make a fresh key for each operation; send the same body to repeat one.",
        )
    if found["state"] == "in_flight":
        raise Problem(
            409,
            "idempotency_in_flight",
            "the first call with this Idempotency-Key is still under way",
            fix="Repeat the same call after Retry-After seconds.",
            headers={"Retry-After": "1"},
        )
    answer = Answer(status=found["status"], body=bytes(found["body"]), headers=found["headers"])
    return answer.respond(replayed=True)
