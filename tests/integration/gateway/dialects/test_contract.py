"""One contract in every dialect: nothing lost, nothing twice, the same on every device, and the right ending."""

from __future__ import annotations

import json

import pytest

from tests.integration.gateway.dialects.clients import DashboardClient, DialectClient, Ending, WebSocketClient
from tests.integration.gateway.dialects.node_clients import (
    NodeWebSocketClient,
    SocketIoClient,
    SocketIoWebSocketClient,
)
from tests.integration.gateway.dialects.scene import both
from tests.integration.gateway.stage import GatewayStage, running

CLIENTS = {
    "carillon.v1": WebSocketClient,
    "carillon.v1 by ws": NodeWebSocketClient,
    "dashboard.v1": DashboardClient,
    "socketio": SocketIoClient,
    "socketio without polling": SocketIoWebSocketClient,
}


@pytest.fixture(params=CLIENTS)
def kind(request) -> type[DialectClient]:
    return CLIENTS[request.param]


def open_stage(kind):
    return both if issubclass(kind, SocketIoClient) else running


@pytest.fixture
async def stage(names, kind):
    async with open_stage(kind)(names) as found:
        yield found


async def test_what_was_missed_arrives_then_what_comes(stage: GatewayStage, kind):
    missed = await stage.arrive("ann", 2)
    async with kind.opened(stage, "ann") as ann, kind.opened(stage, "bob") as bob:
        await ann.until(lambda: len(ann.shown) == 2, "what was missed")
        await bob.until(lambda: bob.welcomed, "bob is in")
        new = await stage.arrive("ann", 2)
        await ann.until(lambda: len(ann.shown) == 4, "what comes")
        assert ann.shown == [ann.name(item) for item in missed + new]
        assert bob.shown == []


async def test_what_is_read_on_one_device_is_read_on_all(stage: GatewayStage, kind):
    item, other = await stage.arrive("ann", 2)
    async with kind.opened(stage, "ann") as phone, kind.opened(stage, "ann") as laptop:
        for client in (phone, laptop):
            await client.until(lambda client=client: len(client.shown) == 2, "both items")
        await phone.mark_read(item)
        for client in (phone, laptop):
            await client.until(lambda client=client: client.read == {client.name(item)}, "it is read")
        assert (await stage.call("PUT", f"/{other.id}/read"))[0] == 200
        await laptop.until(lambda: laptop.name(other) in laptop.read, "what was read by HTTP")


async def test_nobody_reads_what_is_not_theirs(stage: GatewayStage, kind):
    [item] = await stage.arrive("ann")
    async with kind.opened(stage, "ann") as ann, kind.opened(stage, "bob") as bob:
        await ann.until(lambda: ann.shown, "the item")
        await bob.until(lambda: bob.welcomed, "bob is in")
        await bob.mark_read(item)
        [own] = await stage.arrive("bob")
        await bob.until(lambda: bob.shown, "bob's own")
        await bob.mark_read(own)
        await bob.until(lambda: bob.read, "bob's is read")
        assert bob.read == {bob.name(own)}
    assert await stage.database.inbox.count_documents({"user": "ann", "read_at": {"$ne": None}}) == 0


async def test_who_comes_back_misses_nothing_and_gets_nothing_twice(stage: GatewayStage, kind):
    shown: list[object] = []
    items, cursor = [], None
    for round_ in range(4):
        items += await stage.arrive("ann", 3, announce=round_ % 2 == 0)
        async with kind.opened(stage, "ann", cursor) as client:
            await client.until(lambda client=client: len(client.shown) >= 3, "what was missed")
            shown += client.shown
            cursor = client.cursor
            assert cursor
    assert shown == [client.name(item) for item in items]
    first = items[0]
    assert (await stage.call("PUT", f"/{first.id}/read"))[0] == 200
    async with kind.opened(stage, "ann", cursor) as client:
        await client.until(lambda: client.name(first) in client.read, "what was read meanwhile")
        assert client.shown == []


async def test_a_wrong_token_is_an_ending_for_good(stage: GatewayStage, kind):
    async with kind.opened(stage, "ann", credential="junk") as client:
        await client.until(lambda: client.ending, "the end")
        assert client.ending is Ending.STAYS_AWAY
        assert client.shown == []


async def test_who_does_not_read_is_sent_away_and_others_get_all(stage: GatewayStage, kind):
    data = json.dumps({"text": "x" * 60_000}).encode()
    async with kind.opened(stage, "ann") as reader, kind.opened(stage, "ann") as sleeper:
        for client in (reader, sleeper):
            await client.until(lambda client=client: client.welcomed, "in")
        cursor = sleeper.cursor
        sleeper.stop_reading()
        items = []
        for _ in range(12):
            items += await stage.arrive("ann", 10, data=data)
            await reader.until(lambda: len(reader.shown) == stage.last["default:ann"] + 1, "all that came")
        assert reader.shown == [reader.name(item) for item in items]
        sleeper.go_on_reading()
        await sleeper.until(lambda: sleeper.ending, "the end")
        assert sleeper.ending is Ending.COMES_BACK
        shown, cursor = len(sleeper.shown), sleeper.cursor or cursor
        assert sleeper.shown == reader.shown[:shown]
        assert shown < len(items)
    async with kind.opened(stage, "ann", cursor) as back:
        await back.until(lambda: back.shown or back.welcomed, "something")
        assert back.shown[:1] in ([], [reader.name(items[shown])])


async def test_clients_of_a_process_that_ends_come_to_the_next_one(names, kind):
    async with open_stage(kind)(names) as stage:
        [before] = await stage.arrive("ann")
        async with kind.opened(stage, "ann") as client:
            await client.until(lambda: client.shown, "an item")
            stage.stop()
            await client.until(lambda: client.ending, "the end")
            assert client.ending is Ending.COMES_BACK
    async with open_stage(kind)(names) as stage:
        stage.last["default:ann"] = before.offset
        [after] = await stage.arrive("ann")
        async with kind.opened(stage, "ann", client.cursor) as back:
            await back.until(lambda: back.shown, "what came meanwhile")
            assert back.shown == [back.name(after)]
