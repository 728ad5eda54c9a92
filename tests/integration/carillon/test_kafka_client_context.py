"""The Kafka client's context: entered once, and left at any moment without a trace."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from carillon import KafkaClient, UnreachableError
from tests.support.topics import event_ids
from tests.support.wait import turns_until


@pytest.fixture
async def unretrieved():
    """What asyncio would log as errors that nobody looked at."""
    found: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: found.append(context))
    return found


async def leave_with_a_send_queued(client: KafkaClient) -> None:
    async with client:
        sending = asyncio.create_task(client.send("a", source="/s", id="queued"))
        await turns_until(lambda: client._producer._message_accumulator._batches, what="it is queued")
    with pytest.raises(UnreachableError):
        await sending


async def test_leaving_with_a_send_queued_ends_the_send_and_leaves_no_error_behind(kafka, topic, unretrieved):
    await leave_with_a_send_queued(KafkaClient(kafka, topic=topic, linger_ms=60_000))
    gc.collect()
    assert unretrieved == []


async def test_leaving_while_a_send_connects_again_leaves_no_producer_behind(kafka, topic):
    async with KafkaClient(kafka, topic=topic) as events:
        await events._discard(events._producer)
        sending = asyncio.create_task(events.send("a", source="/s"))
        await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="as a context manager"):
        await sending
    assert events._producer is None


async def test_it_is_entered_once_at_a_time(kafka, topic, events):
    producer = events._producer
    with pytest.raises(RuntimeError, match="entered already"):
        async with events:
            pass
    assert events._producer is producer
    await events.send("a", source="/s", id="1")
    assert await event_ids(kafka, topic) == ["1"]


async def test_it_can_be_entered_again_after_it_was_left_and_after_it_failed(kafka, topic):
    client = KafkaClient(kafka, topic="t-nowhere")
    with pytest.raises(Exception, match="no topic"):
        await client.__aenter__()
    client.topic = topic
    for name in ("1", "2"):
        async with client:
            await client.send("a", source="/s", subject="ana", id=name)
    assert await event_ids(kafka, topic) == ["1", "2"]
