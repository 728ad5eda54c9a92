"""What leaves the platform: statuses to the endpoints that ask for them."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from uuid import uuid4

import orjson
import pytest
from standardwebhooks.webhooks import Webhook

from shared.mongo.api_keys import Scope, create
from tests.e2e.scene import Scene
from tests.e2e.test_catalog_reload import push
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
    try:

        async def counts() -> bool:
            await scene.send(user)
            return bool(await scene.messages("webhook", name))

        await until(counts, what="an endpoint that is new", every=0.5)
        (notification,) = await scene.send(user)
        await scene.ends(notification)

        async def arrived() -> list[dict[str, str]] | None:
            found = await scene.messages("webhook", name)
            mine = [one for one in found if orjson.loads(one["body"])["data"]["notification"] == notification]
            return mine if len(mine) >= 3 else None

        found = await until(arrived, what="the pushes", timeout=60)
    finally:
        await scene.product.call("DELETE", f"/v1/status-endpoints/{name}")
    verify = Webhook(stored["secret"]).verify
    events = [verify(one["body"].encode(), dict(one["headers"])) for one in found]  # type: ignore[call-overload]
    assert Counter(event["type"] for event in events) == {"carillon.delivery.sent": 3}
    assert {event["data"]["channel"] for event in events} == {"email", "webhook", "in_app"}
    everything = [orjson.loads(one["body"]) for one in await scene.messages("webhook", name)]
    assert all(event["data"].get("workflow") != "carillon.statuses" for event in everything)


EVERY = """\
key: order.everywhere
category: orders
steps: [{key: all, channels: [in_app, email, webhook, sms, push, whatsapp, telegram, chat]}]
templates:
  in_app: {title: "Order {{ data.order }}"}
  email: {subject: "Order {{ data.order }}", text: "Order {{ data.order }}"}
  sms: {text: "Order {{ data.order }}"}
  push: {title: "Order {{ data.order }}"}
  whatsapp: {text: "Order {{ data.order }}"}
  telegram: {text: "Order {{ data.order }}"}
  chat: {text: "Order {{ data.order }}"}
"""
TWICE = ["push"]
"""To each of two devices."""


async def test_one_event_goes_out_on_every_channel_once_each_and_a_test_on_none(scene: Scene, tmp_path: Path) -> None:
    product = scene.product
    await asyncio.to_thread(push, product.names, tmp_path / "flow.yaml", EVERY)
    mark = uuid4().hex[:8]
    number = f"+4915{int(mark, 16) % 10**9:09}"
    sink = product.url("sink")
    user = await scene.person(
        addresses={
            "email": f"{mark}@example.com",
            "webhook": f"{sink}/hooks/{mark}",
            "phone": number,
            "telegram": f"@user_{mark}",
            "chat": f"{sink}/slack/services/{mark}",
        },
        devices=[{"platform": "fcm", "token": f"phone-{mark}"}, {"platform": "fcm", "token": f"tablet-{mark}"}],
    )
    order = f"A-{mark}"
    (sent,) = await scene.send(user, workflow="order.everywhere", data={"order": order})
    assert set((await scene.ends(sent)).values()) == {"sent"}

    async def seen() -> Counter[str]:
        found = await product.call("GET", "/messages", service="sink")
        return Counter(one["kind"] for one in found["messages"] if order in one["body"])

    expected = Counter(["email", "webhook", "sms", "push", "whatsapp", "telegram", "chat", *TWICE])
    assert await seen() == expected
    async with product.database() as database:
        key = await create(database, tenant="default", scopes=frozenset({Scope.SEND}), name="t", test=True)
    headers = {"authorization": f"Bearer {key}"}
    body = {"workflow": "order.everywhere", "recipients": [user], "data": {"order": order}}
    answer = await product.call("POST", "/v1/notifications", json=body, headers=headers)
    (simulated,) = answer["notifications"]
    ends = await scene.ends(simulated["id"])
    assert (set(ends), set(ends.values())) == ({"in_app", *expected}, {"sent"})
    timeline = await product.call("GET", f"/v1/notifications/{simulated['id']}/timeline", service="console")
    modes = {row["channel"]: row["detail"].get("mode") for row in timeline["entries"] if row["state"] == "sent"}
    assert modes == {"in_app": None, **dict.fromkeys(expected, "simulated")}
    assert await seen() == expected, "nothing of a test has left"
