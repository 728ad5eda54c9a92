"""Contract 1 while Kafka, MongoDB or both are away: 202 means durable, else 503 with Retry-After."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import aiohttp
import orjson
import pytest

from shared.model import records
from shared.mongo.database import open_database
from tests.integration.ingest.stack import Stack, client, prepared
from tests.support.wait import until

pytestmark = pytest.mark.timeout(300)
SEND = {"workflow": "chat.new_message", "recipients": ["ada"], "data": {"text": "hi"}}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Brokers of this module alone: it kills them."""
    with prepared(tmp_path_factory.mktemp("outage")) as found:
        yield found


async def send(session: aiohttp.ClientSession, body: Any = SEND, **headers: str) -> tuple[int, Any, Any]:
    async with session.post("/v1/notifications", json=body, headers=headers) as answer:
        return answer.status, orjson.loads(await answer.read()), answer.headers


async def waiting(stack: Stack) -> int:
    """Rows in the outbox."""
    async with open_database(stack.mongod.uri, stack.database) as database:
        return int(await database.outbox.count_documents({}))


async def on_the_log(stack: Stack) -> list[str]:
    """The event ids of all notifications at the door, in the log's order per partition."""
    found = [
        records.decode_record(message.value).notification for message in await stack.read(stack.topics.notifications)
    ]
    return [notification.event_id for notification in found if notification]


async def send_until_told(
    stack: Stack, session: aiohttp.ClientSession, accepted: list[Any], stop: asyncio.Event
) -> None:
    while not stop.is_set():
        status, answer, headers = await send(session)
        if status == 202:
            accepted.append(answer)
        else:
            assert status == 503
            assert headers["Retry-After"]


@pytest.mark.asyncio
async def test_kafka_is_killed_under_load_and_nothing_accepted_is_lost(stack: Stack) -> None:
    with stack.ingest(2) as urls:
        accepted: list[Any] = []
        stop = asyncio.Event()
        async with client(urls[0], stack.key) as first, client(urls[1], stack.key) as second:
            load = [asyncio.create_task(send_until_told(stack, each, accepted, stop)) for each in (first, second) * 4]
            try:
                await until(lambda: _at_least(accepted, "log", 50), what="events on the log")
                stack.kafka.kill()
                await until(lambda: _at_least(accepted, "outbox", 50), what="events in the outbox")
                assert await waiting(stack) > 0
                stack.kafka.spawn()
                await stack.kafka.ready(180)
                before = len(accepted)
                await until(lambda: _at_least(accepted[before:], "log", 50), what="events on the log again")
            finally:
                stop.set()
                await asyncio.gather(*load)
        await until(lambda: _empty(stack), what="the outbox to be relayed")
        found = Counter(await on_the_log(stack))
    lost = [answer["id"] for answer in accepted if answer["id"] not in found]
    assert lost == []
    assert len({answer["id"] for answer in accepted}) == len(accepted)
    # What was in doubt went both ways: at most what was in flight at the kill and at each failed probe.
    assert sum(found[answer["id"]] - 1 for answer in accepted) <= 100


async def _at_least(accepted: list[Any], durability: str, count: int) -> bool:
    return sum(answer["durability"] == durability for answer in accepted) >= count


async def _empty(stack: Stack) -> bool:
    return await waiting(stack) == 0


@pytest.mark.asyncio
async def test_both_away_is_503_at_once_and_ends_with_either(stack: Stack) -> None:
    with stack.ingest() as urls:
        async with client(urls[0], stack.key) as session:
            assert (await send(session))[0] == 202
            stack.kafka.kill()
            stack.mongod.kill()
            for _ in range(3):
                key = uuid4().hex
                status, problem, headers = await send(session, **{"Idempotency-Key": key})
                assert (status, problem["code"], headers["Retry-After"]) == (503, "temporarily_unavailable", "2")
            stack.mongod.spawn()
            await stack.mongod.ready(180)

            async def outboxed() -> Any:
                status, answer, _ = await send(session, **{"Idempotency-Key": key})
                return status == 202 and answer

            answer = await until(outboxed, what="MongoDB to be back")
            assert answer["durability"] == "outbox"
            assert (await send(session, **{"Idempotency-Key": key}))[1]["id"] == answer["id"]
            stack.kafka.spawn()
            await stack.kafka.ready(180)
            await until(lambda: _empty(stack), what="the outbox to be relayed")
            assert answer["id"] in await on_the_log(stack)


@pytest.mark.asyncio
async def test_mongodb_away_takes_what_needs_no_memory_and_refuses_what_does(stack: Stack) -> None:
    with stack.ingest() as urls:
        async with client(urls[0], stack.key) as session:
            assert (await send(session))[0] == 202
            stack.mongod.kill()
            key = uuid4().hex
            answers = [await send(session, **{"Idempotency-Key": key}) for _ in range(3)]
            assert [(status, answer["durability"]) for status, answer, _ in answers] == [(202, "log")] * 3
            assert len({answer["id"] for _, answer, _ in answers}) == 1
            other = (await send(session, SEND | {"data": {"text": "other"}}, **{"Idempotency-Key": key}))[1]["id"]
            found = await on_the_log(stack)
            assert other in found, "the key's first call does not swallow another one that nobody could compare"
            assert other != answers[0][1]["id"]
            status, problem, headers = await send(session, SEND | {"cancellation_key": "k"})
            assert (status, problem["code"], headers["Retry-After"]) == (503, "temporarily_unavailable", "2")
            async with session.get("/v1/users/ada") as answer:
                assert answer.status == 503
            stack.mongod.spawn()
            await stack.mongod.ready(180)
            await until(lambda: _accepts(session, SEND | {"cancellation_key": "k"}), what="a keyed send to be accepted")


async def _accepts(session: aiohttp.ClientSession, body: Any) -> bool:
    return (await send(session, body))[0] == 202


@pytest.mark.asyncio
async def test_a_frozen_kafka_is_away_too(stack: Stack) -> None:
    with stack.ingest() as urls:
        async with client(urls[0], stack.key) as session:
            assert (await send(session))[1]["durability"] == "log"
            stack.kafka.child.signal(signal.SIGSTOP)
            try:
                status, answer, _ = await send(session)
                assert (status, answer["durability"]) == (202, "outbox")
            finally:
                stack.kafka.child.signal(signal.SIGCONT)
            await until(lambda: _empty(stack), what="the outbox to be relayed")
            assert answer["id"] in await on_the_log(stack)
