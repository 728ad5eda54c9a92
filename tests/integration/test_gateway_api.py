"""The inbox API against real Kafka and MongoDB."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from shared import profile_store, records
from shared.records import Kind
from shared.timestamps import parse_rfc3339
from tests.integration.gateway_stage import Stage, running, token

HOURS = {"enabled": True, "start_time": "22:00", "end_time": "08:00", "timezone": "UTC"}


@pytest.fixture
async def stage(names):
    async with running(names) as found:
        yield found


async def read_topic(stage: Stage, topic: str) -> list:
    """Everything that stands on a topic now."""
    reader = AIOKafkaConsumer(
        topic, bootstrap_servers=stage.settings.kafka, auto_offset_reset="earliest", group_id=None
    )
    await reader.start()
    try:
        ends = await reader.end_offsets(list(reader.assignment()))
        found: list = []
        async with asyncio.timeout(30):
            while sum(ends.values()) > len(found):
                for batch in (await reader.getmany(timeout_ms=200)).values():
                    found += batch
        return found
    finally:
        await reader.stop()


async def test_list_filter_and_page(stage: Stage):
    await stage.arrive("ann", 5)
    [friend] = await stage.arrive("ann", type="friend_request")
    await stage.arrive("bob", 2)
    status, page = await stage.call("GET", "?limit=4")
    assert status == 200
    assert (page["total"], page["has_more"], len(page["notifications"])) == (6, True, 4)
    newest = page["notifications"][0]
    assert newest["id"] == friend.id
    assert newest["user_id"] == "ann"
    assert newest["notification_type"] == "friend_request"
    assert newest["content"] == {"message_id": "m1", "sender_username": "bob"}
    assert (newest["status"], newest["is_read"]) == ("pending", False)
    assert newest["created_at"].endswith("Z")
    assert parse_rfc3339(newest["created_at"]) == friend.created_at
    _, rest = await stage.call("GET", "?limit=4&offset=4")
    assert (rest["has_more"], len(rest["notifications"])) == (False, 2)
    _, friends = await stage.call("GET", "?notification_type=friend_request")
    assert [shown["id"] for shown in friends["notifications"]] == [friend.id]
    assert await stage.call("GET", "/count") == (200, {"count": 6})
    assert await stage.call("GET", "/count?notification_type=new_message") == (200, {"count": 5})


async def test_read_seen_archive_delete(stage: Stage):
    first, second, third = await stage.arrive("ann", 3)
    assert await stage.call("PUT", f"/{first.id}/read") == (
        200,
        {"success": True, "message": "Notification marked as read"},
    )
    assert (await stage.call("PUT", f"/{second.id}/seen"))[0] == 200
    _, page = await stage.call("GET", "")
    assert [shown["status"] for shown in page["notifications"]] == ["pending", "seen", "read"]
    assert await stage.call("GET", "/count?unread_only=true") == (200, {"count": 2})
    _, unread = await stage.call("GET", "?unread_only=true")
    assert [shown["id"] for shown in unread["notifications"]] == [third.id, second.id]
    assert (await stage.call("PUT", f"/{first.id}/unread"))[0] == 200
    assert await stage.call("GET", "/count?unread_only=true") == (200, {"count": 3})
    assert (await stage.call("PUT", f"/{third.id}/archive"))[0] == 200
    assert await stage.call("GET", "/count") == (200, {"count": 2})
    _, archived = await stage.call("GET", "?archived=true")
    assert [(shown["id"], shown["status"]) for shown in archived["notifications"]] == [(third.id, "archived")]
    for _ in range(2):
        assert await stage.call("DELETE", f"/{second.id}") == (
            200,
            {"success": True, "message": "Notification deleted successfully"},
        )
    assert (await stage.call("PUT", f"/{second.id}/read"))[0] == 404
    assert await stage.call("GET", "/count") == (200, {"count": 1})


async def test_read_all(stage: Stage):
    await stage.arrive("ann", 3)
    await stage.arrive("ann", 2, type="friend_request")
    await stage.arrive("bob", 1)
    _, done = await stage.call("PUT", "/read-all?notification_type=friend_request")
    assert (done["success"], done["updated_count"]) == (True, 2)
    _, done = await stage.call("PUT", "/read-all")
    assert done == {"success": True, "updated_count": 3, "message": "All notifications marked as read"}
    _, done = await stage.call("PUT", "/read-all")
    assert done["updated_count"] == 0
    assert await stage.call("GET", "/count?unread_only=true", "bob") == (200, {"count": 1})


async def test_a_large_inbox_is_read_in_pages(stage: Stage):
    await stage.arrive("ann", 1_200, announce=False)
    async with stage.client("ann") as client:
        await client.next("hello")
        _, done = await stage.call("PUT", "/read-all")
        assert done["updated_count"] == 1_200
        told = [await client.next("state") for _ in range(3)]
        assert [len(one["items"]) for one in told] == [500, 500, 200]
        assert told[-1]["unread"] == 0


async def test_repeating_a_call_tells_again_under_the_same_status_ids(stage: Stage):
    [item] = await stage.arrive("ann")
    for _ in range(2):
        assert (await stage.call("PUT", f"/{item.id}/read"))[0] == 200
        assert (await stage.call("PUT", "/read-all"))[0] == 200
    statuses = [dict(record.headers) for record in await read_topic(stage, stage.topics.statuses)]
    assert {headers["ce_type"] for headers in statuses} == {b"carillon.inbox.read"}
    assert {headers["ce_subject"] for headers in statuses} == {item.id.encode()}
    assert len(statuses) == 4
    assert len({headers["ce_id"] for headers in statuses}) == 1


@pytest.mark.parametrize("action", ["read", "unread", "seen", "archive", "delete"])
async def test_others_items_are_not_found(stage: Stage, action):
    [item] = await stage.arrive("ann")
    method, path = ("DELETE", f"/{item.id}") if action == "delete" else ("PUT", f"/{item.id}/{action}")
    for who in ({"user": "bob"}, {"user": "ann", "tenant": "other"}):
        status, problem = await stage.call(method, path, **who)
        assert (status, problem["detail"], problem["status_code"]) == (404, "Notification not found", 404)
        assert (await stage.call("GET", "", **who))[1]["total"] == 0
    row = await stage.database.inbox.find_one({})
    assert row is not None
    assert (row["changed_at"], row["deleted_at"], row["read_at"]) == (None, None, None)


@pytest.mark.parametrize(
    ("method", "path", "status", "detail"),
    [
        ("GET", "?notification_type=nonsense", 400, "Invalid notification type"),
        ("GET", "/count?notification_type=nonsense", 400, "Invalid notification type"),
        ("PUT", "/read-all?notification_type=nonsense", 400, "Invalid notification type"),
        ("PUT", "/no-such-id/read", 404, "Notification not found"),
        ("DELETE", "/%24ne", 404, "Notification not found"),
        ("GET", "?limit=0", 422, None),
        ("GET", "?limit=101", 422, None),
        ("GET", "?offset=-1", 422, None),
        ("GET", "?offset=99999999999999999999", 422, None),
        ("GET", "?unread_only=perhaps", 422, None),
        ("POST", "", 405, None),
        ("GET", "/read-all", 405, None),
    ],
)
async def test_refusals(stage: Stage, method, path, status, detail):
    found, problem = await stage.call(method, path)
    assert (found, problem["status_code"]) == (status, status)
    assert detail is None or problem["detail"] == detail
    assert problem["fix"]


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer junk", "Basic eDp5", "expired", "unprintable"])
async def test_without_a_good_token_there_is_nothing(stage: Stage, authorization):
    if authorization == "expired":
        authorization = f"Bearer {token('ann', ttl=-5)}"
    if authorization == "unprintable":
        authorization = f"Bearer {token(chr(0xD800))}"

    headers = {} if authorization is None else {"authorization": authorization}
    async with stage.http.get(stage.rest_url, headers=headers) as answer:
        body = await answer.json(content_type=None)
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == "Bearer"
    assert body["status_code"] == 401


async def test_preferences_are_written_and_told_before_the_answer(stage: Stage):
    _, before = await stage.call("GET", "/preferences")
    assert (
        before["notification_types"].items()
        >= {
            "new_message": True,
            "room_invitation": True,
            "friend_request": True,
            "friend_request_accepted": True,
        }.items()
    )
    wanted: dict[str, Any] = {
        "push_notifications": True,
        "email_notifications": False,
        "notification_types": {"new_message": True, "room_invitation": True, "friend_request": False},
        "quiet_hours": HOURS,
    }
    for _ in range(2):
        status, after = await stage.call("PUT", "/preferences", json=wanted)
        assert status == 200
        assert after["notification_types"].items() >= wanted["notification_types"].items()
        assert {name: after[name] for name in wanted if name != "notification_types"} == {
            name: wanted[name] for name in wanted if name != "notification_types"
        }
        assert (await stage.call("GET", "/preferences"))[1] == after
    told = [records.decode_record(record.value) for record in await read_topic(stage, stage.topics.notifications)]
    assert [(record.kind, record.tenant, record.user) for record in told] == [
        (Kind.PROFILE_CHANGED, "default", "ann")
    ] * 2
    profile = await profile_store.read(stage.database, "default", "ann")
    assert profile is not None
    assert profile.version > 0
    assert profile.preferences.channel_types == {"push": True, "email": False}
    assert profile.preferences.workflows["chat.friend_request"] is False


async def test_writers_of_one_profile_do_not_undo_each_other(stage: Stage):
    types = ["new_message", "room_invitation", "friend_request", "friend_request_accepted"]
    bodies = [{"notification_types": {name: False}} for name in types] + [{"push_notifications": False}]
    answers = await asyncio.gather(*(stage.call("PUT", "/preferences", json=body) for body in bodies))
    assert [status for status, _ in answers] == [200] * 5
    _, after = await stage.call("GET", "/preferences")
    assert after["push_notifications"] is False
    assert not any(after["notification_types"][name] for name in types)


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        (b"{", 422, None),
        (b'{"push_notifications": true, "push_notifications": false}', 422, None),
        (b"[]", 422, ""),
        (b'{"push_notifications": "yes"}', 422, "/push_notifications"),
        (b'{"nonsense": 1}', 422, "/nonsense"),
        (b'{"notification_types": {"nonsense": true}}', 422, "/notification_types"),
        (b'{"notification_types": {"new_message": 1}}', 422, "/notification_types/new_message"),
        (json.dumps({"quiet_hours": HOURS | {"start_time": "25:61"}}).encode(), 422, "/quiet_hours/start_time"),
        (json.dumps({"quiet_hours": HOURS | {"timezone": "Nowhere"}}).encode(), 422, "/quiet_hours/timezone"),
        (b'{"quiet_hours": {"enabled": true}}', 422, "/quiet_hours/start_time"),
        (b'{"x": "' + b"x" * 70_000 + b'"}', 413, None),
    ],
)
async def test_bad_preferences_are_refused_where_they_are_bad(stage: Stage, body, status, pointer):
    found, problem = await stage.call("PUT", "/preferences", data=body)
    assert (found, problem["status_code"]) == (status, status)
    if pointer is not None:
        assert pointer in [error["pointer"] for error in problem["errors"]]
    assert await stage.database.profiles.count_documents({}) == 0


async def test_health_needs_no_token(stage: Stage):
    async with stage.http.get(f"{stage.rest_url}/health") as answer:
        body = await answer.json()
    assert answer.status == 200
    assert body["status"] == "healthy"
    assert body["components"] == {"database": {"status": "healthy"}, "log": {"status": "healthy"}}
    assert body["timestamp"].endswith("Z")
