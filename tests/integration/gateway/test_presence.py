"""Two gateways say who is connected to them; one that ends takes its users off, one that is killed is believed a while."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from websockets.asyncio.client import ClientConnection, connect

from sandbox.free_ports import free_ports
from shared.mongo.database import Database
from shared.mongo.presence import Presence
from tests.support.env import Harness
from tests.support.wait import until

ANN, BOB = "default:ann", "default:bob"


async def until_online(database: Database, *users: str) -> None:
    async def so() -> bool:
        return await Presence(database).online([ANN, BOB]) == {*users}

    await until(so, what=f"{users} online")


async def until_counted(harness: Harness, **wanted: int) -> None:
    """As the first gateway answers an operator."""

    async def so() -> bool:
        found = await harness.call("GET", "/stats", service="gateway")
        return {"users": found["online_users"], "sockets": found["sockets"], "gateways": found["gateways"]} == wanted

    await until(so, what=f"{wanted} counted")


async def test_who_is_connected_to_any_gateway_is_online(harness: Harness) -> None:
    ports = {"one": harness.ports["sockets"], "two": free_ports(1)[0]}
    for label, port in ports.items():
        rest = str(harness.ports["gateway"] if label == "one" else free_ports(1)[0])
        harness.spawn("gateway", label, CARILLON_SOCKET_PORT=str(port), CARILLON_GATEWAY_PORT=rest)
    await harness.start_spawned()

    @asynccontextmanager
    async def connected(user: str, gateway: str) -> AsyncIterator[ClientConnection]:
        async with connect(f"ws://127.0.0.1:{ports[gateway]}") as socket:
            await socket.send(json.dumps({"type": "auth", "token": harness.token(user)}))
            assert json.loads(await socket.recv())["type"] == "hello"
            yield socket

    async with harness.database() as database:
        async with connected("ann", "one"), connected("bob", "two"):
            await until_online(database, ANN, BOB)
            async with connected("ann", "two"):
                await until_online(database, ANN, BOB)
        await until_online(database)
        async with connected("ann", "one"), connected("ann", "two"), connected("bob", "two"):
            await until_online(database, ANN, BOB)
            await until_counted(harness, users=2, sockets=3, gateways=2)
            assert harness.services["two"].terminate() == 0
            await until_online(database, ANN)
            await until_counted(harness, users=1, sockets=1, gateways=1)
            harness.services["one"].kill()
            rows = [row async for row in database.presence.find({})]
            assert [row["_id"] for row in rows] == [ANN], "until its lease is over"
            assert len(rows[0]["pods"]) == 1
