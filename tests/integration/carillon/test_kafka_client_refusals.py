"""The Kafka client when Kafka refuses or does not answer: who is told what, and that the next event gets through."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from pathlib import Path

import pytest
from aiokafka.errors import KafkaError

from carillon import KafkaClient, KafkaRejectedError, UnreachableError
from sandbox.free_ports import free_ports
from sandbox.kafka import Kafka
from tests.support.brokers import STATE
from tests.support.topics import event_ids, make_topic
from tests.support.wait import until

BROKER_LIMIT = 20_000


async def test_what_the_client_sees_is_too_large_is_not_written_and_costs_only_itself(kafka, topic, events):
    small = [f"e-{number}" for number in range(20)]
    sends = [events.send("a", source="/s", id=name) for name in small]
    large = events.send("a", {"text": "x" * 2_000_000}, source="/s")
    *ended, refused = await asyncio.gather(*sends, large, return_exceptions=True)
    assert ended == small
    assert isinstance(refused, KafkaRejectedError)
    assert "Next: keep an event below 1 MiB" in str(refused)
    assert sorted(await event_ids(kafka, topic)) == sorted(small)


async def test_what_only_the_broker_sees_is_too_large_does_not_spoil_what_comes_after(kafka):
    topic = await make_topic(kafka, **{"max.message.bytes": str(BROKER_LIMIT)})
    async with KafkaClient(kafka, topic=topic) as events:
        await events.send("a", source="/s", subject="ana", id="before")
        with pytest.raises(KafkaRejectedError) as caught:
            await events.send("a", {"text": "x" * 2 * BROKER_LIMIT}, source="/s", subject="ana")
        assert "1 MiB" in caught.value.fix
        for number in range(3):
            await events.send("a", source="/s", subject="ana", id=f"after-{number}")
    assert await event_ids(kafka, topic) == ["before", "after-0", "after-1", "after-2"]


async def test_sends_beside_a_refused_one_end_at_once_and_can_be_repeated(kafka):
    topic = await make_topic(kafka, **{"max.message.bytes": str(BROKER_LIMIT)})
    async with KafkaClient(kafka, topic=topic, timeout=1000) as events:

        async def sent(number: int) -> str:
            data = {"text": "x" * (2 * BROKER_LIMIT if number == 20 else 100)}
            return await events.send("a", data, source="/s", subject=f"user-{number % 7}", id=f"e-{number}")

        ended = await asyncio.gather(*map(sent, range(40)), return_exceptions=True)
        assert isinstance(ended[20], KafkaRejectedError)
        others = [number for number in range(40) if number != 20]
        in_doubt = [number for number in others if isinstance(ended[number], UnreachableError)]
        assert in_doubt
        assert [ended[number] for number in others if number not in in_doubt] == [
            f"e-{number}" for number in others if number not in in_doubt
        ]
        assert await asyncio.gather(*map(sent, in_doubt)) == [f"e-{number}" for number in in_doubt]
    assert set(await event_ids(kafka, topic)) == {f"e-{number}" for number in others}


async def test_a_producer_that_takes_no_more_is_replaced(kafka, topic, events):
    await events.send("a", source="/s", id="before")
    events._producer._message_accumulator.fail_all(KafkaError("what aiokafka does when its sender has died"))
    with pytest.raises(UnreachableError):
        await events.send("a", source="/s", id="lost")
    await events.send("a", source="/s", id="after")
    assert set(await event_ids(kafka, topic)) == {"before", "after"}


async def test_a_topic_that_is_not_there_is_said_on_connecting(kafka):
    with pytest.raises(KafkaRejectedError, match=r"no topic t-nowhere\. Next: name the platform's"):
        async with KafkaClient(kafka, topic="t-nowhere"):
            pass


async def test_nobody_there_is_said_with_the_address():
    servers = f"127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(UnreachableError, match=f"Kafka at {servers} does not answer"):
        async with KafkaClient(servers):
            pass


async def test_a_broker_that_says_nothing_is_given_up_in_time():
    held = []
    server = await asyncio.start_server(lambda *streams: held.append(streams), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(UnreachableError, match=r"does not answer: 0\.5 s are over"):
            async with KafkaClient(f"127.0.0.1:{port}", timeout=0.5):
                pass
        assert held
        for _, writer in held:
            writer.close()


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Kafka]:
    """A Kafka of the test's own, to be killed."""
    node = Kafka(tmp_path / "kafka", *free_ports(2), state=STATE)
    node.start()
    yield node
    node.kill()


async def test_kafka_away_is_said_in_time_and_what_was_in_doubt_can_be_sent_again(mortal):
    async def again() -> None:
        mortal.spawn()
        await mortal.ready()

    async def sent(events: KafkaClient, name: str) -> None:
        await events.send("a", source="/s", subject="ana", id=name)

    topic = await make_topic(mortal.bootstrap)
    async with KafkaClient(mortal.bootstrap, topic=topic, timeout=2) as events:
        await sent(events, "before")
        await asyncio.to_thread(mortal.kill)
        with pytest.raises(UnreachableError, match="did not acknowledge event in-doubt: 2 s are over"):
            await sent(events, "in-doubt")
        await again()
        await until(lambda: got_through(sent(events, "after")), what="the same client goes on")
        await asyncio.to_thread(mortal.kill)
        with pytest.raises(UnreachableError):
            await sent(events, "left")
    # Left without waiting for what nobody acknowledged, and nothing is written behind the caller's back.
    await again()
    async with KafkaClient(mortal.bootstrap, topic=topic) as events:
        await sent(events, "left")
    ids = await event_ids(mortal.bootstrap, topic)
    assert list(dict.fromkeys(ids)) == ["before", "in-doubt", "after", "left"]
    assert ids.count("left") == 1


async def got_through(sending: Awaitable[None]) -> bool:
    """Whether it was acknowledged; False while Kafka does not answer."""
    try:
        await sending
    except UnreachableError:
        return False
    return True
