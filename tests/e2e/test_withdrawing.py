"""Withdrawn and superseded items: gone from every device and count of their user, through a kill as well."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from shared.model.timestamps import rfc3339
from shared.process.clock import now_ms
from shared.process.failpoints import Failpoint
from tests.e2e.scene import Scene
from tests.support.env import Harness
from tests.support.wait import until

CHAT = "chat.new_message"


@dataclass(kw_only=True)
class Screen:
    """One device: what it shows, and the number beside it."""

    socket: ClientConnection
    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    unread: int = 0
    told: list[str] = field(default_factory=list)

    @property
    def shown(self) -> set[str]:
        """The ids of the items that are not deleted."""
        return {name for name, item in self.items.items() if not item.get("deleted_at")}

    async def shows(self, *ids: str, unread: int) -> None:
        """Reads what it is told until it shows just these."""
        async with asyncio.timeout(60):
            while self.shown != {*ids} or self.unread != unread:
                said = json.loads(await self.socket.recv())
                self.told.append(said.get("change", said["type"]))
                self.unread = said.get("unread", self.unread)
                for item in [said["item"]] if "item" in said else said.get("items", []):
                    self.items[item["id"]] = self.items.get(item["id"], {}) | item


@asynccontextmanager
async def screens(product: Harness, user: str, count: int = 2) -> AsyncIterator[list[Screen]]:
    """Devices of a user, connected."""
    url = f"ws://127.0.0.1:{product.ports['sockets']}"
    opened = [await connect(url) for _ in range(count)]
    try:
        for socket in opened:
            await socket.send(json.dumps({"type": "auth", "token": product.token(user)}))
            while json.loads(await socket.recv())["type"] != "live":
                pass
        yield [Screen(socket=socket) for socket in opened]
    finally:
        for socket in opened:
            await socket.close()


async def listed(product: Harness, user: str) -> tuple[set[str], int]:
    """What the inbox by HTTP has: items, and the number beside them."""
    headers = {"authorization": f"Bearer {product.token(user)}"}
    path = "/api/v1/notifications"
    found = await product.call("GET", path, service="gateway", headers=headers)
    count = await product.call("GET", f"{path}/count", service="gateway", headers=headers)
    assert found["unread"] == count["unread"]
    return {item["id"] for item in found["notifications"]}, count["unread"]


async def send(scene: Scene, user: str, **more: Any) -> str:
    (sent,) = await scene.send(user, workflow=CHAT, data={"message_id": "m", "sender_username": "bob"}, **more)
    return sent


async def event_of(product: Harness, notification: str) -> str:
    """The id that its call was answered."""
    async with product.database() as database:
        row = await until(
            lambda: database.decisions.find_one({"notification": notification}),
            what=f"the decision about {notification}",
        )
    return str(row["event_id"])


async def withdraw(product: Harness, key: str) -> dict[str, Any]:
    return await product.call(
        "POST", "/v1/notifications/cancel", json={"cancellation_key": key, "withdraw": True}, expect=202
    )


async def test_what_is_withdrawn_goes_from_every_device_and_what_comes_later_stays(product: Harness) -> None:
    scene = Scene(product)
    user = await scene.person()
    async with screens(product, user) as devices:
        other = await send(scene, user)
        read, unread = [await send(scene, user, cancellation_key=f"{user}-k") for _ in range(2)]
        for device in devices:
            await device.shows(other, read, unread, unread=3)
        await devices[0].socket.send(json.dumps({"type": "read", "ids": [read]}))
        for device in devices:
            await device.shows(other, read, unread, unread=2)
        answer = await withdraw(product, f"{user}-k")
        assert (answer["holds_cancelled"], answer["items_withdrawn"]) == (0, 2)
        later = await send(scene, user, cancellation_key=f"{user}-k")
        for device in devices:
            await device.shows(other, later, unread=2)
        assert await listed(product, user) == ({other, later}, 2)

    async def told() -> Any:
        async with product.database() as database:
            return await database.timeline.find_one({"notification": read, "type": "carillon.inbox.deleted"})

    assert (await until(told, what="the status"))["data"]["withdrawn"] is True


async def test_what_is_superseded_gives_way_on_every_device_read_or_not(product: Harness) -> None:
    scene = Scene(product)
    user = await scene.person()
    async with screens(product, user) as devices:
        other, first = [await send(scene, user) for _ in range(2)]
        for device in devices:
            await device.shows(other, first, unread=2)
        await devices[1].socket.send(json.dumps({"type": "read", "ids": [first]}))
        for device in devices:
            await device.shows(other, first, unread=1)
        second = await send(scene, user, supersedes=await event_of(product, first))
        for device in devices:
            await device.shows(other, second, unread=2)
        third = await send(scene, user, supersedes=await event_of(product, second), cancellation_key=f"{user}-s")
        for device in devices:
            await device.shows(other, third, unread=2)
        assert await listed(product, user) == ({other, third}, 2)
        await withdraw(product, f"{user}-s")
        for device in devices:
            await device.shows(other, unread=1)
        assert await listed(product, user) == ({other}, 1)


async def test_what_waits_ends_when_a_later_one_names_it(product: Harness) -> None:
    """Scheduled for tomorrow; the correction goes at once."""
    scene = Scene(product)
    user = await scene.person()
    tomorrow = rfc3339(now_ms() + 86_400_000)
    waiting = await send(scene, user, deliver_at=tomorrow)
    later = await send(scene, user, supersedes=await event_of(product, waiting))
    assert await scene.ends(waiting) == {"all": "superseded: superseded"}
    assert (await scene.ends(later))["in_app"] == "sent"
    assert await listed(product, user) == ({later}, 1)


async def test_a_worker_that_dies_with_one_that_is_superseded_leaves_the_later_one(harness: Harness) -> None:
    """The later row is there, nobody was told of it; its repeat takes the earlier one out, and tells both."""
    await harness.start("ingest", "router", "gateway")
    harness.spawn("delivery", CARILLON_FAILPOINT=f"{Failpoint.AFTER_REPLACE}:2")
    await harness.start_spawned("delivery")
    scene = Scene(harness)
    user = await scene.person()
    async with screens(harness, user) as devices:
        first = await send(scene, user)
        for device in devices:
            await device.shows(first, unread=1)
        second = await send(scene, user, supersedes=await event_of(harness, first))
        await until(lambda: _dead(harness), what="the worker is dead")
        await harness.revive("delivery")
        for device in devices:
            await device.shows(second, unread=1)
        assert await listed(harness, user) == ({second}, 1)


async def test_a_worker_that_dies_before_before_it_told_of_a_row_shows_nothing_of_it(harness: Harness) -> None:
    """Withdrawn while its row is there and nobody was told of it: nor does the replay tell any device of it."""
    await harness.start("ingest", "router", "gateway")
    harness.spawn("delivery", CARILLON_FAILPOINT=f"{Failpoint.AFTER_INBOX_ROW}:2")
    await harness.start_spawned("delivery")
    scene = Scene(harness)
    user = await scene.person()
    async with screens(harness, user) as devices:
        first = await send(scene, user)
        for device in devices:
            await device.shows(first, unread=1)
        await send(scene, user, cancellation_key="k")
        await until(lambda: _dead(harness), what="the worker is dead")
        assert (await withdraw(harness, "k"))["items_withdrawn"] == 1
        await harness.revive("delivery")
        last = await send(scene, user, cancellation_key="k")
        for device in devices:
            await device.shows(first, last, unread=2)
            assert device.told.count("notification") == 2
        assert await listed(harness, user) == ({first, last}, 2)


async def _dead(harness: Harness) -> bool:
    return harness.services["delivery"].pid is None
