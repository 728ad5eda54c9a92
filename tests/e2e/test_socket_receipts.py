"""Stored or delivered: what a backend is told of an inbox item, over the running product."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.e2e.run_workflows import SHOW, flow, publish_flows
from tests.e2e.scene import Scene
from tests.support.env import Harness
from tests.support.wait import until

ASKED, SILENT = flow("receipts.inbox", SHOW, receipts=True), flow("receipts.none", SHOW)
PUSH = {"key": "away", "channels": ["email"], "when": {"presence.online": False}}
AWAY = flow("receipts.away", SHOW, PUSH)


@pytest.fixture
async def scene(product: Harness) -> Scene:
    await publish_flows(product, ASKED, SILENT, AWAY)
    return Scene(product)


@asynccontextmanager
async def connected(product: Harness, user: str) -> AsyncIterator[ClientConnection]:
    """A socket of the user that is live."""
    async with connect(f"ws://127.0.0.1:{product.ports['sockets']}") as socket:
        await socket.send(json.dumps({"type": "auth", "token": product.token(user)}))
        while json.loads(await socket.recv())["type"] != "live":
            pass
        yield socket


async def timeline(product: Harness, notification: str, state: str) -> dict[str, Any]:
    """Once its inbox item is in the state."""

    async def reached() -> dict[str, Any] | None:
        path = f"/v1/notifications/{notification}/timeline"
        found: dict[str, Any] = await product.call("GET", path, service="console")
        return found if [one["state"] for one in found["channels"]] == [state] else None

    return await until(reached, what=f"{notification} {state}")


async def test_stored_while_nobody_is_connected_then_delivered_once(scene: Scene) -> None:
    product, user = scene.product, await scene.person("away")
    (first,) = await scene.send(user, workflow="receipts.inbox")
    assert await scene.ends(first) == {"in_app": "sent"}
    async with connected(product, user), connected(product, user) as other:
        found = await timeline(product, first, "delivered")
        (second,) = await scene.send(user, workflow="receipts.inbox")
        (silent,) = await scene.send(user, workflow="receipts.none")
        titles = [json.loads(await other.recv())["type"] for _ in range(2)]
        assert titles == ["notification", "notification"]
        live = await timeline(product, second, "delivered")
        assert await scene.ends(silent) == {"in_app": "sent"}
    for story in (found, live):
        told = [entry for entry in story["entries"] if entry["state"] == "delivered"]
        assert len(told) == 1, "two sockets, one status"
        assert (told[0]["channel"], told[0]["detail"]["step"]) == ("in_app", "show")
        assert story["state"] == "terminal"
    why = await product.call("GET", f"/v1/notifications/{second}/why", service="console")
    assert why["sentences"][-1]["text"] == "It has reached a socket of its user."


async def test_push_only_where_nobody_is_connected(scene: Scene) -> None:
    product, user = scene.product, await scene.person("push")
    (away,) = await scene.send(user, workflow="receipts.away")
    assert await scene.ends(away) == {"in_app": "sent", "email": "sent"}
    async with connected(product, user), product.database() as database:

        async def online() -> bool:
            return await database.presence.count_documents({"_id": f"default:{user}"}) == 1

        await until(online, what="the user is known to be connected")
        (here,) = await scene.send(user, workflow="receipts.away")
        ends = await scene.ends(here)
    assert ends["in_app"] == "sent"
    assert "sent" not in ends.get("email", ""), ends
    assert len(await scene.messages("email", user)) == 1

    async def offline() -> bool:
        async with product.database() as database:
            return await database.presence.count_documents({"_id": f"default:{user}"}) == 0

    await until(offline, what="nobody is connected any more")
    (again,) = await scene.send(user, workflow="receipts.away")
    assert await scene.ends(again) == {"in_app": "sent", "email": "sent"}
