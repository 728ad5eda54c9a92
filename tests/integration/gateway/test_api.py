"""The inbox API against real Kafka and MongoDB."""

from __future__ import annotations

import pytest

from shared.model.timestamps import parse_rfc3339
from tests.chaos.evidence import read_topic
from tests.integration.gateway.stage import GatewayStage, running, token


@pytest.fixture
async def stage(names):
    async with running(names) as found:
        yield found


async def count(stage: GatewayStage, path: str, user: str = "ann") -> int:
    status, answer = await stage.call("GET", path, user)
    assert status == 200
    return answer["count"]


async def test_list_filter_and_page(stage: GatewayStage):
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
    _, rest = await stage.call("GET", f"?limit=4&cursor={page['next_cursor']}")
    assert (rest["has_more"], rest["next_cursor"], len(rest["notifications"])) == (False, None, 2)
    _, friends = await stage.call("GET", "?notification_type=friend_request")
    assert [shown["id"] for shown in friends["notifications"]] == [friend.id]
    assert await count(stage, "/count") == 6
    assert await count(stage, "/count?notification_type=new_message") == 5


async def test_read_seen_archive_delete(stage: GatewayStage):
    first, second, third = await stage.arrive("ann", 3)
    assert await stage.call("PUT", f"/{first.id}/read") == (
        200,
        {"success": True, "message": "Notification marked as read"},
    )
    assert (await stage.call("PUT", f"/{second.id}/seen"))[0] == 200
    _, page = await stage.call("GET", "")
    assert [shown["status"] for shown in page["notifications"]] == ["pending", "seen", "read"]
    assert await count(stage, "/count?unread_only=true") == 2
    _, unread = await stage.call("GET", "?unread_only=true")
    assert [shown["id"] for shown in unread["notifications"]] == [third.id, second.id]
    assert (await stage.call("PUT", f"/{first.id}/unread"))[0] == 200
    assert await count(stage, "/count?unread_only=true") == 3
    assert (await stage.call("PUT", f"/{third.id}/archive"))[0] == 200
    assert await count(stage, "/count") == 2
    _, archived = await stage.call("GET", "?archived=true")
    assert [(shown["id"], shown["status"]) for shown in archived["notifications"]] == [(third.id, "archived")]
    assert (await stage.call("PUT", f"/{third.id}/unarchive"))[0] == 200
    assert (await stage.call("GET", "?archived=true"))[1]["total"] == 0
    assert await count(stage, "/count") == 3
    assert (await stage.call("PUT", f"/{third.id}/archive"))[0] == 200
    for _ in range(2):
        assert await stage.call("DELETE", f"/{second.id}") == (
            200,
            {"success": True, "message": "Notification deleted successfully"},
        )
    assert (await stage.call("PUT", f"/{second.id}/read"))[0] == 404
    assert await count(stage, "/count") == 1


async def test_read_all(stage: GatewayStage):
    await stage.arrive("ann", 3)
    await stage.arrive("ann", 2, type="friend_request")
    await stage.arrive("bob", 1)
    _, done = await stage.call("PUT", "/read-all?notification_type=friend_request")
    assert (done["success"], done["updated_count"]) == (True, 2)
    _, done = await stage.call("PUT", "/read-all")
    assert done == {"success": True, "updated_count": 3, "message": "All notifications marked as read"}
    _, done = await stage.call("PUT", "/read-all")
    assert done["updated_count"] == 0
    assert await count(stage, "/count?unread_only=true", "bob") == 1


async def test_a_large_inbox_is_read_in_pages(stage: GatewayStage):
    await stage.arrive("ann", 1_200, announce=False)
    async with stage.client("ann") as client:
        await client.next("hello")
        _, done = await stage.call("PUT", "/read-all")
        assert done["updated_count"] == 1_200
        told = [await client.next("state") for _ in range(3)]
        assert [len(one["items"]) for one in told] == [500, 500, 200]
        assert told[-1]["unread"] == 0


async def test_repeating_a_call_tells_again_under_the_same_status_ids(stage: GatewayStage):
    [item] = await stage.arrive("ann")
    for _ in range(2):
        assert (await stage.call("PUT", f"/{item.id}/read"))[0] == 200
        assert (await stage.call("PUT", "/read-all"))[0] == 200
    statuses = [dict(record.headers) for record in await read_topic(stage.settings.kafka, stage.topics.statuses)]
    assert {headers["ce_type"] for headers in statuses} == {b"carillon.inbox.read"}
    assert {headers["ce_subject"] for headers in statuses} == {item.id.encode()}
    assert len(statuses) == 4
    assert len({headers["ce_id"] for headers in statuses}) == 1


async def test_a_socket_and_a_call_agree_on_which_count_is_newer(stage: GatewayStage):
    [first, _] = await stage.arrive("ann", 2)
    async with stage.client("ann") as client:
        await client.next("hello")
        _, before = await stage.call("GET", "/count?unread_only=true")
        assert (await stage.call("PUT", f"/{first.id}/read"))[0] == 200
        told = await client.next("state")
        later = [(told["as_of"]["offset"], told["as_of"]["at"]), (before["as_of"]["offset"], before["as_of"]["at"])]
        assert (told["unread"], before["count"]) == (1, 2)
        assert later == sorted(later, reverse=True)
        assert later[0] != later[1]
        await stage.arrive("ann")
        told = await client.next("notification")
    assert told["as_of"]["offset"] > before["as_of"]["offset"]


@pytest.mark.parametrize("action", ["read", "unread", "seen", "archive", "unarchive", "delete"])
async def test_others_items_are_not_found(stage: GatewayStage, action):
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
        ("GET", "?cursor=perhaps", 422, None),
        ("POST", "", 405, None),
        ("GET", "/read-all", 405, None),
    ],
)
async def test_refusals(stage: GatewayStage, method, path, status, detail):
    found, problem = await stage.call(method, path)
    assert (found, problem["status_code"]) == (status, status)
    assert detail is None or problem["detail"] == detail
    assert problem["fix"]


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer junk", "Basic eDp5", "expired", "unprintable"])
async def test_without_a_good_token_there_is_nothing(stage: GatewayStage, authorization):
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


async def test_health_needs_no_token(stage: GatewayStage):
    async with stage.http.get(f"{stage.rest_url}/health") as answer:
        body = await answer.json()
    assert answer.status == 200
    assert body["status"] == "healthy"
    assert body["components"] == {"database": {"status": "healthy"}, "log": {"status": "healthy"}}
    assert body["timestamp"].endswith("Z")
