"""A device that its provider calls dead leaves the profile, and who follows the statuses hears of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import uuid4

import orjson
import pytest

from tests.e2e.scene import Scene
from tests.e2e.test_catalog_reload import push
from tests.support.env import Harness
from tests.support.wait import until

FLOW = """\
key: order.on_devices
category: orders
steps: [{key: all, channels: [push]}]
templates: {push: {title: "Order {{ data.order }}"}}
"""


@pytest.fixture
def scene(product: Harness) -> Scene:
    return Scene(product)


async def test_a_dead_one_leaves_and_the_other_stays(scene: Scene, tmp_path: Path) -> None:
    product = scene.product
    await asyncio.to_thread(push, product.names, tmp_path / "flow.yaml", FLOW)
    mark = uuid4().hex[:8]
    name = f"devices-{mark}"
    body = {
        "url": product.url("sink") + f"/hooks/{name}",
        "events": ["carillon.device.removed", "carillon.delivery.sent"],
    }
    await product.call("PUT", f"/v1/status-endpoints/{name}", json=body)
    phone, tablet = ({"platform": "fcm", "token": f"{each}-{mark}"} for each in ("phone", "tablet"))
    user = await scene.person(devices=[phone, tablet])
    plan = {"mode": "status", "status": 404, "code": "UNREGISTERED", "only": f"fcm:phone-{mark}"}
    await product.call("PUT", "/faults", service="sink", json={"providers": {"fcm": plan}})
    try:
        other = await scene.person(devices=[{"platform": "fcm", "token": f"other-{mark}"}])

        async def counts() -> bool:
            await scene.send(other, workflow="order.on_devices", data={"order": mark})
            return bool(await scene.messages("webhook", name))

        await until(counts, what="an endpoint that is new", every=0.5)
        await scene.send(user, workflow="order.on_devices", data={"order": mark})

        async def told() -> list[dict[str, object]]:
            said = [orjson.loads(one["body"]) for one in await scene.messages("webhook", name)]
            return [one["data"] for one in said if one["type"] == "carillon.device.removed"]

        (data,) = await until(told, what="the status", timeout=60)
    finally:
        await product.call("DELETE", "/faults", service="sink")
        await product.call("DELETE", f"/v1/status-endpoints/{name}")
    assert (data["platform"], data["code"], data["user"]) == ("fcm", "UNREGISTERED", user)
    assert (await product.call("GET", f"/v1/users/{user}"))["devices"] == [tablet]
    (again,) = await scene.send(user, workflow="order.on_devices", data={"order": mark})
    assert set((await scene.ends(again)).values()) == {"sent"}
