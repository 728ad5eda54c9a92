"""Ingest on a real Kafka and mongod: idempotency keys and cancellation keys, on two instances."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import aiohttp
import orjson
import pytest

from shared.mongo.database import open_database
from tests.integration.ingest.stack import SEND, Stack, call, client, records_of

pytestmark = pytest.mark.timeout(180)


async def test_a_hundred_at_once_with_one_key_on_two_instances_are_one(stack: Stack) -> None:
    key = uuid4().hex

    async def one(session: aiohttp.ClientSession) -> tuple[int, bytes, str]:
        while True:
            async with session.post("/v1/notifications", json=SEND, headers={"Idempotency-Key": f'"{key}"'}) as answer:
                body = await answer.read()
                if answer.status != 409:
                    return answer.status, body, answer.headers["Location"]
                assert answer.headers["Retry-After"] == "1"
                await asyncio.sleep(0)

    async with client(stack.urls[0], stack.key) as first, client(stack.urls[1], stack.key) as second:
        answers = await asyncio.gather(*[one(session) for session in (first, second) for _ in range(50)])
        assert len(set(answers)) == 1
        assert answers[0][0] == 202
        again = {"Idempotency-Key": key}
        status, _, headers = await call(second, "POST", "/v1/notifications", json=SEND, headers=again)
        assert (status, headers["Idempotency-Replayed"]) == (202, "true")
        other = SEND | {"data": {"text": "other"}}
        status, problem, _ = await call(first, "POST", "/v1/notifications", json=other, headers=again)
        assert (status, problem["code"]) == (422, "idempotency_key_reused")
    async with client(stack.urls[0], stack.other_key) as elsewhere:
        _, answer, headers = await call(elsewhere, "POST", "/v1/notifications", json=other, headers=again)
        assert "Idempotency-Replayed" not in headers
        assert len(await records_of(stack, answer["id"])) == 1
    assert len(await records_of(stack, orjson.loads(answers[0][1])["id"])) == 1


async def test_a_refused_call_frees_its_key_and_a_crashed_one_frees_it_after_its_lease(
    stack: Stack, api: aiohttp.ClientSession
) -> None:
    headers = {"Idempotency-Key": uuid4().hex}
    status, _, _ = await call(api, "POST", "/v1/notifications", json=SEND | {"recipients": []}, headers=headers)
    assert status == 422
    assert (await call(api, "POST", "/v1/notifications", json=SEND, headers=headers))[0] == 202
    async with open_database(stack.mongod.uri, stack.database) as database:
        mine = {"_id": f"default\x1f{headers['Idempotency-Key']}"}
        await database.requests.update_one(mine, {"$set": {"state": "in_flight"}})
        status, problem, answer = await call(api, "POST", "/v1/notifications", json=SEND, headers=headers)
        assert (status, problem["code"], answer["Retry-After"]) == (409, "idempotency_in_flight", "1")
        await database.requests.update_one(mine, [{"$set": {"lease": {"$subtract": ["$$NOW", 1]}}}])
        assert (await call(api, "POST", "/v1/notifications", json=SEND, headers=headers))[0] == 202


async def test_cancel_raises_the_counter_that_later_sends_carry(stack: Stack, api: aiohttp.ClientSession) -> None:
    key = uuid4().hex
    keyed = SEND | {"cancellation_key": key}
    counts = []
    for _ in range(2):
        _, answer, _ = await call(api, "POST", "/v1/notifications", json=keyed)
        counts.append((await records_of(stack, answer["id"]))[0][1].notification.cancel_count)
        status, answer, _ = await call(api, "POST", "/v1/notifications/cancel", json={"cancellation_key": key})
        assert (status, answer) == (202, {"cancellation_key": key, "holds_cancelled": 0})
    assert counts[0] == 0 < counts[1]
    async with client(stack.urls[0], stack.other_key) as elsewhere:
        _, answer, _ = await call(elsewhere, "POST", "/v1/notifications", json=keyed)
        assert (await records_of(stack, answer["id"]))[0][1].notification.cancel_count == 0
