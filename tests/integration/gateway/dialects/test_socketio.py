"""The booking service's document, from a facilitator's page: socket.io-client as npm has it."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from shared.model.numbers import number_of
from tests.integration.gateway.dialects.clients import Ending
from tests.integration.gateway.dialects.node_clients import LOCAL, SocketIoClient
from tests.integration.gateway.dialects.scene import both
from tests.integration.gateway.stage import GatewayStage, token

BOOKING = {
    "booking_id": 123,
    "user": {"id": 5, "name": "Jane Smith", "email": "jane@example.com"},
    "session": {"id": 1, "title": "Morning Meditation", "start_time": "2024-01-15T09:00:00"},
}
OPEN = "sandbox"


@pytest.fixture
async def stage(names):
    async with both(names) as found:
        yield found


def page(stage: GatewayStage, **options: object):
    return SocketIoClient.driven("socketio.mjs", url=f"{LOCAL}:{stage.socketio_port}", options=options)


async def book(stage: GatewayStage, user: str, count: int = 1, **fields):
    data = json.dumps(BOOKING).encode()
    return await stage.arrive(user, count, **({"type": "new_booking", "data": data} | fields))


async def test_the_documents_page(stage: GatewayStage):
    [missed] = await book(stage, "2")
    async with page(stage) as client:
        client.tell(emit=["facilitator_connect", {"facilitator_id": 2, "token": token("2")}])
        await client.until(lambda: client.shown, "what was missed")
        names = [name for name, _ in client.events if name not in {"open", "upgrade"}]
        assert names[:3] == ["connection_response", "facilitator_auth_success", "new_booking_notification"]
        [first] = client.heard("connection_response")
        assert first["status"] == "connected"
        assert first["socket_id"]
        [welcome] = client.heard("facilitator_auth_success")
        assert (welcome["facilitator_id"], welcome["unread_count"]) == (2, 1)
        [told] = client.heard("new_booking_notification")
        assert {name: told[name] for name in BOOKING} == BOOKING
        assert (told["type"], told["message"]) == ("new_booking", "title 0")
        assert told["notification_id"] == number_of(missed.id)
        assert told["timestamp"] == told["stored_at"]
        await client.until(lambda: client.heard("upgrade"), "polling was upgraded")
        assert client.heard("open") == [{"transport": "polling"}]
        [new] = await book(stage, "2")
        await client.until(lambda: len(client.shown) == 2, "what comes")
        client.tell(emit=["get_pending_notifications", {"facilitator_id": 2}])
        await client.until(lambda: client.heard("pending_notifications"), "pending ones")
        [pending] = client.heard("pending_notifications")
        assert (pending["count"], pending["total"]) == (2, 2)
        assert [one["notification_id"] for one in pending["notifications"]] == [number_of(new.id), number_of(missed.id)]
        client.tell(emit=["mark_notification_read", {"facilitator_id": 2, "notification_id": number_of(new.id)}])
        await client.until(lambda: client.heard("notification_marked_read"), "it is read")
        assert client.heard("notification_marked_read")[0]["notification_id"] == number_of(new.id)
        client.tell(emit=["get_pending_notifications", {"facilitator_id": 2}])
        await client.until(lambda: len(client.heard("pending_notifications")) == 2, "pending ones again")
        assert client.heard("pending_notifications")[1]["count"] == 1


async def test_a_token_may_come_with_the_handshake(stage: GatewayStage):
    async with page(stage, auth={"token": token("ann")}) as client:
        await client.until(lambda: client.welcomed, "in")
        assert client.heard("facilitator_auth_success")[0]["facilitator_id"] == "ann"
        [other] = await stage.arrive("ann")
        await client.until(lambda: client.shown, "an item")
        assert client.heard("new_notification")[0]["notification_id"] == number_of(other.id)


@pytest.mark.parametrize(
    ("emitted", "error"),
    [
        (["facilitator_connect", {"facilitator_id": 3, "token": "OWN"}], "not this `facilitator_id`"),
        (["facilitator_connect", {"facilitator_id": 2}], "no JWT"),
        (["facilitator_connect", {"facilitator_id": 2, "token": "jwt-token-here"}], "no JWT"),
        (["facilitator_connect", {"token": "OWN"}], "facilitator_id"),
        (["facilitator_connect", "x"], "facilitator_connect"),
        (["facilitator_connect"], "facilitator_connect"),
        (["get_pending_notifications", {"facilitator_id": 2}], "first message"),
        (["mark_notification_read", {"notification_id": 1}], "first message"),
    ],
)
async def test_nobody_gets_in_otherwise(stage: GatewayStage, emitted, error):
    await book(stage, "2")
    if len(emitted) > 1 and isinstance(emitted[1], dict) and emitted[1].get("token") == "OWN":
        emitted = [emitted[0], emitted[1] | {"token": token("2")}]
    async with page(stage) as client:
        client.tell(emit=emitted)
        await client.until(lambda: client.ending, "the end")
        [said] = client.heard("auth_error")
        assert error in said["error"]
        assert client.ending is Ending.STAYS_AWAY
        assert client.shown == []


async def test_what_is_wrong_is_said_and_the_connection_goes_on(stage: GatewayStage):
    [anns] = await stage.arrive("ann")
    async with page(stage, auth={"token": token("2")}) as client:
        await client.until(lambda: client.welcomed, "in")
        wrong = [
            ["mark_notification_read", {"notification_id": number_of(anns.id)}],
            ["mark_notification_read", {"notification_id": anns.id}],
            ["mark_notification_read", {"notification_id": 1 << 60}],
            ["mark_notification_read", {"notification_id": -1}],
            ["mark_notification_read", {}],
            ["make_coffee", {}],
        ]
        for count, emitted in enumerate(wrong, 1):
            client.tell(emit=emitted)
            await client.until(lambda count=count: len(client.heard("error")) == count, f"error {count}")
        errors = [said["error"] for said in client.heard("error")]
        assert errors[:4] == ["no such notification"] * 4
        assert "notification_id" in errors[4]
        assert "make_coffee" in errors[5]
        await book(stage, "2")
        await client.until(lambda: client.shown, "an item all the same")
    assert await stage.database.inbox.count_documents({"read_at": {"$ne": None}}) == 0


async def test_what_is_done_on_another_device_is_told(stage: GatewayStage):
    [item] = await book(stage, "2")
    async with page(stage, auth={"token": token("2")}) as client:
        await client.until(lambda: client.shown, "an item")
        assert (await stage.call("DELETE", f"/{item.id}", user="2"))[0] == 200
        await client.until(lambda: client.heard("notification_changed"), "it is gone")
        [said] = client.heard("notification_changed")
        assert (said["notification_id"], said["removed"], said["unread_count"]) == (number_of(item.id), True, 0)
        assert said["cursor"]


async def test_who_says_nothing_is_sent_away(stage: GatewayStage):
    async with page(stage) as client:
        await client.until(lambda: client.ending, "the end")
        assert client.heard("auth_error")
        assert client.ending is Ending.STAYS_AWAY


async def test_another_origin_gets_nothing(stage: GatewayStage):
    url = f"{LOCAL}:{stage.socketio_port}/socket.io/?EIO=4&transport=polling"
    for origin, status in (("http://evil.example", 400), ("null", 400), ("http://good.example", 200)):
        async with stage.http.get(url, headers={"origin": origin}) as answer:
            assert answer.status == status
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await stage.http.ws_connect(url.replace("polling", "websocket"), headers={"origin": "http://evil.example"})


async def test_every_origin_may_come_only_where_it_is_set_so(names):
    async with both(names, socketio_any_origin=True) as stage:
        url = f"{LOCAL}:{stage.socketio_port}/socket.io/?EIO=4&transport=polling"
        async with stage.http.get(url, headers={"origin": "http://evil.example"}) as answer:
            assert answer.status == 200
            assert answer.headers["access-control-allow-origin"] == "http://evil.example"
            assert "access-control-allow-credentials" not in answer.headers


async def test_the_documents_way_is_open_only_where_it_is_set_so(names):
    async with both(names, socketio_open_tenant=OPEN) as stage:
        await book(stage, "2", tenant=OPEN)
        await book(stage, "2")
        async with page(stage) as client, page(stage, auth={"token": token("2")}) as other:
            client.tell(emit=["facilitator_connect", {"facilitator_id": 2, "token": "jwt-token-here"}])
            await client.until(lambda: client.shown, "an item")
            await other.until(lambda: other.shown, "by token it is the token's tenant")
            assert client.shown != other.shown


async def test_a_full_process_sends_new_ones_elsewhere_until_there_is_room(names):
    async with both(names, max_connections=1) as stage:
        async with page(stage, auth={"token": token("2")}) as first:
            await first.until(lambda: first.welcomed, "in")
            async with page(stage, auth={"token": token("3")}) as second:
                await second.until(lambda: second.heard("connect_error"), "no room")
                assert not second.welcomed
        async with page(stage, auth={"token": token("3")}, reconnectionDelay=100, reconnectionDelayMax=200) as third:
            await third.until(lambda: third.welcomed, "in by itself")


async def test_binary_and_nonsense_end_nobody_else(stage: GatewayStage):
    async with page(stage, auth={"token": token("2")}) as client, page(stage, auth={"token": token("2")}) as other:
        for one in (client, other):
            await one.until(lambda one=one: one.welcomed, "in")
        url = f"{LOCAL}:{stage.socketio_port}/socket.io/?EIO=4&transport=websocket"
        async with stage.http.ws_connect(url) as raw:
            await raw.send_str("40")
            for junk in (
                "42",
                "42[",
                '42{"a":1}',
                "42[1,2]",
                '42["\\ud800"]',
                "42" + "[" * 5_000,
                '451-["x",{"_placeholder":true,"num":0}]',
            ):
                await raw.send_str(junk)
            await raw.send_bytes(b"\x00" * 100)
            async with asyncio.timeout(20):
                while (await raw.receive()).type not in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}:
                    pass
        await book(stage, "2")
        for one in (client, other):
            await one.until(lambda one=one: one.shown, "an item")
