"""What a dry run says is what then happens: the same requests, once dry and once real, through real services."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.scene import DATA, Scene
from tests.support.env import Harness
from tests.support.wait import until

COMPARED = ("outcome", "channel", "step", "rule", "reason", "due", "fallback", "user")


@pytest.fixture
def scene(product: Harness) -> Scene:
    return Scene(product)


def comparable(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: item[name] for name in COMPARED if item.get(name) is not None} for item in items]


async def decided(scene: Scene, notification: str) -> list[dict[str, Any]]:
    """The items of its first decision."""

    async def first() -> list[dict[str, Any]]:
        async with scene.product.client() as http:
            url = scene.product.url("console") + f"/v1/notifications/{notification}/timeline"
            async with http.get(url) as response:
                found = await response.json(content_type=None)
                return found["decisions"][0]["items"] if response.status == 200 and found["decisions"] else []

    return comparable(await until(first, what=f"the decision about {notification}"))


async def test_what_is_foreseen_happens(scene: Scene) -> None:
    opted_out = {"preferences": {"channel_types": {"email": False}, "categories": {}, "workflows": {}}}
    people = [
        await scene.person(),
        await scene.person("muted", preferences={"workflows": {"order.shipped": False}}),
        await scene.person("no-mail", **opted_out),
        await scene.person("bare", addresses={}),
        await scene.person("scheduled"),
        "nobody-is-called-so",
        {"email": "stranger@example.com"},
    ]
    more = {"workflow": "order.shipped", "recipients": people, "data": DATA, "actor": people[0]}
    dry = await scene.product.call("POST", "/v1/notifications?dry_run=true", json=more)
    sent = await scene.product.call("POST", "/v1/notifications", json=more)
    assert len(dry["recipients"]) == len(people)
    for foreseen, real in zip(dry["recipients"], sent["notifications"], strict=True):
        assert foreseen["user"] == real["user"]
        assert comparable(foreseen["items"]) == await decided(scene, real["id"]), foreseen["user"]


async def test_somebody_who_got_nothing_is_told_why(scene: Scene) -> None:
    user = await scene.person("out", preferences={"workflows": {"order.shipped": False}})
    accepted = await scene.product.call(
        "POST", "/v1/notifications", json={"workflow": "order.shipped", "recipients": [user], "data": DATA}
    )
    (notification,) = accepted["notifications"]
    await scene.ends(notification["id"])
    path = f"/v1/users/{user}/why-not?event={accepted['id']}"
    found = await scene.product.call("GET", path, service="console")
    assert found["notifications"] == [notification["id"]]
    assert "workflow_opted_out" in [one.get("reason") for one in found["sentences"]]
    why = await scene.product.call("GET", f"/v1/notifications/{notification['id']}/why", service="console")
    assert [one for one in why["sentences"] if one.get("rule") == "notification_preference"]
