"""Sockets against real Kafka and MongoDB."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from shared.model.outputs import Output
from tests.integration.gateway.stage import GatewayStage, InboxClient, running, token


@pytest.fixture
async def stage(names):
    async with running(names) as found:
        yield found


async def test_who_was_away_gets_what_he_missed_then_what_comes(stage: GatewayStage):
    await stage.arrive("ann", 3)
    async with stage.client("ann") as client:
        hello = await client.next()
        assert (hello["type"], hello["unread"], hello["user"]) == ("hello", 3, "ann")
        for _ in range(3):
            await client.next("notification")
        [item] = await stage.arrive("ann")
        told = await client.next("notification")
    assert told["item"]["id"] == item.id
    assert told["item"]["data"] == {"message_id": "m1", "sender_username": "bob"}
    assert told["unread"] == 4
    assert client.offsets == [0, 1, 2, 3]


async def test_a_client_that_comes_back_misses_nothing_and_gets_nothing_twice(stage: GatewayStage):
    received: list[int] = []
    cursor = None
    for round_ in range(6):
        items = await stage.arrive("ann", 5, announce=round_ % 2 == 0)
        async with stage.client("ann", cursor) as client:
            await client.next("hello")
            while not client.offsets or client.offsets[-1] < items[2].offset:  # leaves before it has all
                await client.next()
            received += client.offsets
            cursor = client.cursor
        await stage.announce("ann", items)  # a worker that died announces them again
    async with stage.client("ann", cursor) as client:
        await client.next("hello")
        [last] = await stage.arrive("ann")
        while not client.offsets or client.offsets[-1] < last.offset:
            await client.next()
        received += client.offsets
    assert received == list(range(31))


async def test_what_changed_meanwhile_is_told_on_resume(stage: GatewayStage):
    first, second = await stage.arrive("ann", 2)
    async with stage.client("ann") as client:
        await client.next("hello")
        await client.next("notification")
        await client.next("notification")
    assert (await stage.call("PUT", f"/{first.id}/read"))[0] == 200
    assert (await stage.call("DELETE", f"/{second.id}"))[0] == 200
    async with stage.client("ann", client.cursor) as back:
        hello = await back.next("hello")
        sync = await back.next("state")
    assert hello["unread"] == sync["unread"] == 0
    states = {item["id"]: item for item in sync["items"]}
    assert states[first.id]["read_at"]
    assert states[second.id]["deleted_at"]
    assert back.offsets == []


async def test_commands_reach_every_socket_of_the_user_and_nobody_elses(stage: GatewayStage):
    first, *_ = await stage.arrive("ann", 3)
    async with stage.client("ann") as phone, stage.client("ann") as laptop, stage.client("bob") as bob:
        for client in (phone, laptop, bob):
            await client.next("hello")
        await phone.say(type="read", ids=[first.id], ref="r1")
        for client in (phone, laptop):
            told = await client.next("state")
            assert (told["change"], told["items"][0]["id"], told["unread"]) == ("read", first.id, 2)
        answer = next((told for told in phone.told if told["type"] == "ok"), None) or await phone.next("ok")
        assert (answer["ref"], answer["updated"]) == ("r1", 1)
        await phone.say(type="read", all=True)
        for client in (phone, laptop):
            assert (await client.next("state"))["unread"] == 0
        await laptop.say(type="unread", ids=[first.id])
        told = await phone.next("state")
        assert (told["change"], told["unread"], told["items"][0].get("read_at")) == ("unread", 1, None)
        await laptop.say(type="archive", ids=[first.id])
        assert (await phone.next("state"))["unread"] == 0
        await bob.say(type="delete", ids=[first.id], ref="theft")
        assert (await bob.next("ok"))["updated"] == 0
        await bob.say(type="ping")
        await bob.next("pong")
        assert {told["type"] for told in bob.told} == {"hello", "live", "ok", "pong"}
    assert await stage.database.inbox.count_documents({"deleted_at": {"$ne": None}}) == 0


async def test_more_than_three_hundred_missed_is_a_reset(stage: GatewayStage):
    async with stage.client("ann") as client:
        await client.next("hello")
    items = await stage.arrive("ann", 301, announce=False)
    async with stage.client("ann", client.cursor) as back:
        assert (await back.next())["type"] == "reset"
        hello = await back.next()
        assert (hello["type"], hello["unread"]) == ("hello", 301)
        [item] = await stage.arrive("ann")
        assert (await back.next("notification"))["item"]["id"] == item.id
    async with stage.client("ann", back.cursor) as again:
        assert (await again.next())["type"] == "hello"
        await again.say(type="ping")
        await again.next("pong")
        assert again.offsets == []
    assert len(items) == 301


async def test_garbage_on_the_topic_stops_nobody(stage: GatewayStage):
    async with stage.client("ann") as client:
        await client.next("hello")
        topic = stage.topics.inbox
        garbage = [b"{", b"\xff\xfe", None, b'{"change":"nonsense"}', b"null", b""]
        await stage.publisher.publish([Output(topic, b"default:ann", value, []) for value in garbage])
        await stage.publisher.publish([Output(topic, None, b"x", [])])
        [item] = await stage.arrive("ann")
        assert (await client.next("notification"))["item"]["id"] == item.id


async def test_a_token_by_subprotocol_is_not_echoed(stage: GatewayStage):
    offered = [Subprotocol("carillon.v1"), Subprotocol(f"bearer.{token('ann')}")]
    async with connect(stage.socket_url, subprotocols=offered) as opened:
        assert opened.subprotocol == "carillon.v1"
        assert (await InboxClient(socket=opened).next())["user"] == "ann"


async def test_a_cursor_may_stand_in_the_url(stage: GatewayStage):
    async with stage.client("ann") as client:
        await client.next("hello")
    await stage.arrive("ann", announce=False)
    url = f"{stage.socket_url}/?cursor={client.cursor}"
    async with connect(url, subprotocols=[Subprotocol("carillon.v1"), Subprotocol(f"bearer.{token('ann')}")]) as opened:
        back = InboxClient(socket=opened)
        await back.next("notification")
        assert back.offsets == [0]


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ({"type": "auth", "token": "junk"}, 4401),
        ({"type": "auth", "token": "x" * 3_000}, 4401),
        ({"type": "auth", "token": "x" * 8_192, "cursor": "x" * 200}, 4401),
        ({"type": "auth", "token": "x" * 13_000}, 1009),
        ({"type": "read", "all": True}, 4401),
        ("not json", 4400),
    ],
)
async def test_refusals_are_close_codes_after_the_handshake(stage: GatewayStage, first, code):
    async with connect(stage.socket_url) as opened:
        await opened.send(first if isinstance(first, str) else json.dumps(first))
        assert await InboxClient(socket=opened).closed() == code


async def test_who_says_nothing_is_sent_away(stage: GatewayStage):
    async with connect(stage.socket_url) as opened:
        assert await InboxClient(socket=opened).closed() == 4408


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://good.example.evil.example", "http://GOOD.example:81"]
)
async def test_another_origin_gets_no_socket(stage: GatewayStage, origin):
    with pytest.raises(InvalidStatus) as refused:
        await connect(stage.socket_url, origin=Origin(origin))
    assert refused.value.response.status_code == 403


async def test_an_allowed_origin_gets_one(stage: GatewayStage):
    async with connect(stage.socket_url, origin=Origin("http://good.example")) as opened:
        client = InboxClient(socket=opened)
        await client.say(type="auth", token=token("ann"))
        await client.next("hello")


async def test_an_ending_token_is_told_and_can_be_renewed(stage: GatewayStage):
    async with stage.client("ann", ttl=3) as client, stage.client("ann", ttl=3) as careless:
        assert (await client.next("token_expiring"))["seconds"] <= 3
        await client.say(type="auth", token=token("bob"))
        assert await client.closed() == 4401
        assert await careless.closed() == 4401
    async with stage.client("ann", ttl=3) as client, stage.client("ann", ttl=3) as careless:
        await client.next("token_expiring")
        await client.say(type="auth", token=token("ann"))
        assert (await client.next("ok"))["for"] == "auth"
        assert await careless.closed() == 4401  # by now the old token has ended
        [item] = await stage.arrive("ann")
        assert (await client.next("notification"))["item"]["id"] == item.id


async def test_who_does_not_read_is_dropped_and_may_resume_while_others_get_all(stage: GatewayStage):
    loop = asyncio.get_running_loop()
    async with stage.client("ann") as reader:
        await reader.next("hello")
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        raw.connect(("127.0.0.1", stage.settings.socket_port))
        async with connect(stage.socket_url, sock=raw, max_queue=1) as sleeper:
            await sleeper.send(json.dumps({"type": "auth", "token": token("ann")}))
            hello = json.loads(await sleeper.recv())
            sleeper.transport.pause_reading()
            data = json.dumps({"text": "x" * 60_000}).encode()
            for _ in range(12):
                await stage.arrive("ann", 10, data=data)
                while len(reader.offsets) < stage.last["default:ann"] + 1:
                    await reader.next("notification")
            assert reader.offsets == list(range(120))
            sleeper.transport.resume_reading()
            slow = InboxClient(socket=sleeper)
            started = loop.time()
            assert await slow.closed() in {4008, 1006}  # the close frame may not get through to one who does not read
            assert loop.time() - started < 20
            assert slow.offsets == list(range(len(slow.offsets)))
            assert len(slow.offsets) < 120
    async with stage.client("ann", slow.cursor or hello["cursor"]) as back:
        assert (await back.next())["type"] in {"hello", "reset"}


async def test_a_restart_says_when_to_come_back(stage: GatewayStage):
    async with stage.client("ann") as client:
        await client.next("hello")
        stage.runtime.stop.set()
        assert 200 <= (await client.next("reconnect"))["after_ms"] <= 5_000
        assert await client.closed() == 1012
