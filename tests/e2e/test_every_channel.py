"""What leaves the platform: statuses to the endpoints that ask for them."""

from __future__ import annotations

from collections import Counter
from uuid import uuid4

import orjson
import pytest
from standardwebhooks.webhooks import Webhook

from tests.e2e.scene import Scene
from tests.support.env import Harness
from tests.support.wait import until


@pytest.fixture
def scene(product: Harness) -> Scene:
    return Scene(product)


async def test_an_endpoint_gets_the_statuses_that_it_asks_for(scene: Scene) -> None:
    name = f"statuses-{uuid4().hex[:10]}"
    body = {
        "url": scene.product.url("sink") + f"/hooks/{name}",
        "events": ["carillon.delivery.sent", "carillon.inbox.*"],
    }
    stored = await scene.product.call("PUT", f"/v1/status-endpoints/{name}", json=body)
    user = await scene.person()
    (notification,) = await scene.send(user)
    await scene.ends(notification)

    async def arrived() -> list[dict[str, str]] | None:
        found = await scene.messages("webhook", name)
        mine = [one for one in found if orjson.loads(one["body"])["data"]["notification"] == notification]
        return mine if len(mine) >= 3 else None

    found = await until(arrived, what="the pushes", timeout=60)
    verify = Webhook(stored["secret"]).verify
    events = [verify(one["body"].encode(), dict(one["headers"])) for one in found]  # type: ignore[call-overload]
    assert Counter(event["type"] for event in events) == {"carillon.delivery.sent": 3}
    assert {event["data"]["channel"] for event in events} == {"email", "webhook", "in_app"}
    everything = [orjson.loads(one["body"]) for one in await scene.messages("webhook", name)]
    assert all(event["data"].get("workflow") != "carillon.statuses" for event in everything)
    await scene.product.call("DELETE", f"/v1/status-endpoints/{name}")
