"""Collapse keys in the inbox: of what is about the same thing, one unread item stands, on the socket and over HTTP."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from shared.catalog.publishing import publish
from shared.kafka.producer import Publisher
from tests.e2e.run_workflows import SHOW, flow
from tests.e2e.scene import Scene
from tests.e2e.test_runs import happen, inbox
from tests.support.env import Harness

SCORE = flow("run.score", SHOW, collapse_key="data.thread")


async def published(product: Harness) -> Scene:
    publisher = Publisher(product.names.brokers.kafka, client_id="tests")
    async with product.database() as database:
        await publish(database, publisher, product.names.topics, "default", [SCORE])
    await publisher.stop()
    return Scene(product)


async def until_told(socket: ClientConnection, told: list[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    """The first message of the socket that says what is wanted; all that came are kept in `told`."""
    async with asyncio.timeout(60):
        while True:
            told.append(json.loads(await socket.recv()))
            if wanted.items() <= told[-1].items():
                return told[-1]


async def test_a_newer_one_takes_the_place_of_what_is_not_read(product: Harness) -> None:
    scene = await published(product)
    user, told = await scene.person(), list[dict[str, Any]]()
    async with connect(f"ws://127.0.0.1:{product.ports['sockets']}") as socket:
        await socket.send(json.dumps({"type": "auth", "token": product.token(user)}))
        await until_told(socket, told, type="hello")
        await happen(scene, "run.score", user, {"thread": "other"})
        await until_told(socket, told, type="notification", unread=1)
        await happen(scene, "run.score", user, {"thread": "a"})
        first = (await until_told(socket, told, type="notification", unread=2))["item"]["id"]
        await happen(scene, "run.score", user, {"thread": "a"})
        second = (await until_told(socket, told, type="notification"))["item"]["id"]
        gone = await until_told(socket, told, type="state", change="deleted")
        assert [item["id"] for item in gone["items"]] == [first]
        assert gone["unread"] == 2
        assert [item["title"] for item in await inbox(scene, user, 2)] == ["1 of other", "1 of a"]
        await socket.send(json.dumps({"type": "read", "ids": [second]}))
        await until_told(socket, told, type="state", change="read", unread=1)
        await happen(scene, "run.score", user, {"thread": "a"})
        await until_told(socket, told, type="notification", unread=2)
    assert [item["is_read"] for item in await inbox(scene, user, 3)] == [False, True, False], "a read one stays"
    assert sum(message.get("change") == "deleted" for message in told) == 1
