"""The way of a notification through real services: each way in, each channel out, each rule once."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import pytest

from tests.harness import Harness
from tests.waiting import until

SHIPPED = "order.shipped"
PIPELINE = ("sink", "ingest", "router", "scheduler", "delivery")


@pytest.fixture
async def pipeline(harness: Harness) -> Harness:
    await harness.start(*PIPELINE)
    return harness


async def person(pipeline: Harness, user: str, **more: Any) -> None:
    body = {
        "addresses": {"email": f"{user}@example.com", "webhook": pipeline.url("sink") + f"/hooks/{user}"},
        "locale": "en",
        "zone": "Europe/Berlin",
    }
    await pipeline.call("PUT", f"/v1/users/{user}", json=body | more)


async def send(pipeline: Harness, *users: str, **more: Any) -> list[str]:
    body = {"workflow": SHIPPED, "recipients": list(users), "data": {"order_id": "A-17", "carrier": "DHL"}}
    answer = await pipeline.call(
        "POST", "/v1/notifications", json=body | more, headers={"idempotency-key": uuid4().hex}
    )
    return [found["id"] for found in answer["notifications"]]


async def statuses(pipeline: Harness, notification: str) -> list[dict[str, Any]]:
    """What stands in decisions, ledger and inbox about a notification, as a table of channel to outcome."""
    database = await pipeline.database()
    rows = [row async for row in database.deliveries.find({"notification": notification})]
    return [{"channel": row["channel"], "state": row["state"]} for row in rows]


async def messages(pipeline: Harness, kind: str) -> list[dict[str, Any]]:
    answer = await pipeline.call("GET", f"/messages?kind={kind}", service="sink")
    return answer["messages"]


async def test_one_notification_reaches_every_channel_once(pipeline: Harness) -> None:
    await person(pipeline, "ana")
    (notification,) = await send(pipeline, "ana")

    async def arrived() -> bool:
        return bool(await messages(pipeline, "email")) and bool(await messages(pipeline, "webhook"))

    await until(arrived, what="an e-mail and a webhook")
    database = await pipeline.database()
    row = await database.inbox.find_one({"tenant": "default", "user": "ana", "notification": notification})
    assert row is not None
    (email,) = await messages(pipeline, "email")
    assert "ana@example.com" in str(email)
