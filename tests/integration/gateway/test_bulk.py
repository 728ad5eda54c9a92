"""Filters, batches and counts of the inbox API, against real Kafka and MongoDB."""

from __future__ import annotations

from typing import Any

import pytest

from services.gateway.inbox.bulk_api import BatchAction
from shared.model.timestamps import rfc3339
from shared.process.clock import now_ms
from tests.integration.gateway.stage import GatewayStage, running, token

OTHERS: list[dict[str, Any]] = [{"user": "bob"}, {"user": "ann", "tenant": "other"}]


@pytest.fixture
async def stage(names):
    async with running(names) as found:
        yield found


async def test_filters_page_by_page(stage: GatewayStage) -> None:
    items = await stage.arrive("ann", 6)
    await stage.arrive("bob", 6)
    orders = {"$set": {"category": "orders", "priority": "high", "body": "Order (A.7)"}}
    await stage.database.inbox.update_many({"offset": {"$in": [1, 3, 5]}}, orders)
    await stage.call("PUT", f"/{items[5].id}/seen")
    where = "category=orders&priority=high&q=order%20a.7&since=0001-01-01T00:00:00Z&until=9999-12-31T23:59:59Z"
    _, first = await stage.call("GET", f"?{where}&limit=2")
    assert [shown["id"] for shown in first["notifications"]] == [items[5].id, items[3].id]
    assert {shown["category"] for shown in first["notifications"]} == {"orders"}
    assert (first["total"], first["unread"], first["unseen"], first["has_more"]) == (3, 3, 2, True)
    _, rest = await stage.call("GET", f"?{where}&limit=2&cursor={first['next_cursor']}")
    assert [shown["id"] for shown in rest["notifications"]] == [items[1].id]
    _, nothing = await stage.call("GET", "?q=ax7")
    assert nothing["total"] == 0
    _, answer = await stage.call("POST", "/counts", json={"filters": {"a": {}, "b": {"category": "orders"}}})
    counts = answer["counts"]
    assert {name: (one["count"], one["unread"], one["unseen"]) for name, one in counts.items()} == {
        "a": (6, 6, 5),
        "b": (3, 3, 2),
    }
    assert counts["a"]["as_of"] == counts["b"]["as_of"]
    async with stage.http.get(
        f"{stage.rest_url}/count", headers={"authorization": "Bearer junk", "origin": "http://good.example"}
    ) as refused:
        assert refused.status == 401
        assert (await refused.json(content_type=None))["status_code"] == 401


async def test_a_batch_is_told_once_to_every_device_of_its_user(stage: GatewayStage) -> None:
    first, second, third = await stage.arrive("ann", 3)
    async with stage.client("ann") as phone, stage.client("ann") as laptop:
        for device in (phone, laptop):
            await device.next("hello")
        wanted = {"action": "read", "ids": [first.id, third.id]}
        for who in OTHERS:
            assert (await stage.call("POST", "/batch", json=wanted, **who))[1]["updated_count"] == 0
        status, done = await stage.call("POST", "/batch", json=wanted)
        assert (status, done["updated_count"]) == (200, 2)
        for device in (phone, laptop):
            told = await device.next("state")
            assert (told["change"], told["unread"]) == ("read", 1)
            assert [one["id"] for one in told["items"]] == [first.id, third.id]
        for action in BatchAction:
            until = {"until": rfc3339(now_ms() + 60_000)} if action is BatchAction.SNOOZE else {}
            assert (await stage.call("POST", "/batch", json={"action": action, "ids": [second.id]} | until))[0] == 200
    _, page = await stage.call("GET", "")
    assert [shown["id"] for shown in page["notifications"]] == [third.id, first.id]


async def test_what_is_left_of_the_rate_is_said_to_pages(stage: GatewayStage) -> None:
    headers = {"authorization": f"Bearer {token('ann')}", "origin": "http://good.example"}
    async with stage.http.get(f"{stage.rest_url}/count", headers=headers) as answer:
        assert answer.headers["RateLimit-Policy"] == '"user";q=200;w=4'
        assert answer.headers["RateLimit"].startswith('"user";r=')
        assert "RateLimit" in answer.headers["Access-Control-Expose-Headers"]
