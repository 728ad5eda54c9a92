"""Calls with an Idempotency-Key: done by whoever claims them first, again only after a crash, and only by the same call."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from services.ingest.calls import Answer
from services.ingest.request_rows import RequestClaim, RequestRows
from tests.support.twins.request_rows import MemoryRequestRows

FIRST = RequestClaim(tenant="acme", key="$k", token="t1", fingerprint="f")
ANSWER = Answer(status=202, body=b"\x00{}", headers={"Location": "/v1"})


class RealRequestRows(RequestRows):
    """With the part of time."""

    async def end_lease(self, claim: RequestClaim) -> None:
        await self._rows.update_one({"_id": claim.row_id}, [{"$set": {"lease": {"$subtract": ["$$NOW", 1]}}}])


@pytest.fixture
def rows(implementation: str, request: pytest.FixtureRequest) -> Any:
    return MemoryRequestRows() if implementation == "twin" else RealRequestRows(request.getfixturevalue("database"))


def again(claim: RequestClaim = FIRST, **changes: str) -> RequestClaim:
    return msgspec.structs.replace(claim, **{"token": "t2"} | changes)


async def test_the_first_claim_wins(rows: Any) -> None:
    found = await rows.claim(FIRST)
    assert (found["token"], found["tenant"], found["fingerprint"], found["state"]) == ("t1", "acme", "f", "in_flight")
    assert await rows.claim(again()) == found
    claims = [again(token=f"n{number}", key="other") for number in range(20)]
    found = await asyncio.gather(*[rows.claim(claim) for claim in claims])
    assert len({row["token"] for row in found}) == 1


async def test_keys_are_a_tenants_own(rows: Any) -> None:
    await rows.claim(FIRST)
    assert (await rows.claim(again(tenant="other")))["token"] == "t2"


async def test_the_answer_is_kept(rows: Any) -> None:
    await rows.claim(FIRST)
    await rows.keep(FIRST, ANSWER)
    found = await rows.claim(again())
    assert (found["state"], found["status"], bytes(found["body"]), found["headers"]) == (
        "done", 202, ANSWER.body, ANSWER.headers,
    )  # fmt: skip
    await rows.end_lease(FIRST)
    assert (await rows.claim(again()))["token"] == "t1", "what is done is not done again, however long ago"


async def test_a_released_key_is_free(rows: Any) -> None:
    await rows.claim(FIRST)
    await rows.release(FIRST)
    assert (await rows.claim(again()))["token"] == "t2"


async def test_after_a_crash_the_same_call_may_take_it_and_no_other(rows: Any) -> None:
    await rows.claim(FIRST)
    await rows.end_lease(FIRST)
    assert (await rows.claim(again(fingerprint="another body")))["token"] == "t1"
    assert (await rows.claim(again()))["token"] == "t2"
    await rows.keep(FIRST, ANSWER)
    await rows.release(FIRST)
    found = await rows.claim(again(token="t3"))
    assert (found["token"], found["state"]) == ("t2", "in_flight"), "the crashed one has lost it"
