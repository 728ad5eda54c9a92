"""Idempotency-Key (IETF draft-ietf-httpapi-idempotency-key-header): a finished call is answered again, not done again.

Only 2xx answers are kept, as long as what they began. While MongoDB is unavailable calls go on without: ids derive from
the key and the body, so the same call accepted twice counts once, and another call with the same key has its own effect.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import uuid4

import pymongo
import structlog
from fastapi.responses import Response

from services.ingest.calls import Answer, Call, Caller
from services.ingest.request_rows import RequestClaim, RequestRow, RequestStore
from shared.http.problems import Problem
from shared.model.errors import MongoUnavailable

MOST: Final = 255
SKIP_SECONDS: Final = 1.0
"""After MongoDB did not answer, calls go on without asking it for this long."""
_QUOTED = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_BARE = re.compile(r"[\x21\x23-\x7e](?:[\x20-\x21\x23-\x7e]*[\x21\x23-\x7e])?")
_ESCAPE = re.compile(r"\\(.)")

log = structlog.get_logger()
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


class Requests:
    """Calls with a key, each done once."""

    def __init__(self, rows: RequestStore) -> None:
        self._rows = rows
        self._skip_until = 0.0

    async def once(self, call: Call, act: Act) -> Response:
        """Does `act` unless the same call was done before. Raises Problem 409 or 422, and what `act` raises."""
        caller = call.caller
        if call.key is None or time.monotonic() < self._skip_until:
            return (await act()).respond()
        claim = RequestClaim(tenant=caller.tenant, key=call.key, token=uuid4().hex, fingerprint=call.fingerprint)
        try:
            with caller.within_preparation():
                found = await self._rows.claim(claim)
        except MongoUnavailable:
            self._skip_until = time.monotonic() + SKIP_SECONDS
            log.warning("idempotency_skipped", next="the same call still has the same ids; the next look is in 1 s")
            return (await act()).respond()
        if found["token"] == claim.token:
            return await self._do(caller, claim, act)
        return _repeat(found, claim.fingerprint)

    async def _do(self, caller: Caller, claim: RequestClaim, act: Act) -> Response:
        try:
            answer = await act()
        except BaseException:
            await self._finish(caller, claim, None)
            raise
        await self._finish(caller, claim, answer)
        return answer.respond()

    async def _finish(self, caller: Caller, claim: RequestClaim, answer: Answer | None) -> None:
        """Keeps the answer, or frees the key. When this fails the lease frees it."""
        try:
            with pymongo.timeout(caller.prepare_seconds):
                if answer is None:
                    await self._rows.release(claim)
                else:
                    await self._rows.keep(claim, answer)
        except MongoUnavailable:
            self._skip_until = time.monotonic() + SKIP_SECONDS


def _repeat(found: RequestRow, print_: str) -> Response:
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
