"""The chat notification service: caching, errors and enhancements of its document, from outside only."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.support.env import Harness
from tests.systems.chat_product import TYPES, WANTED, Chat, eventually
from tests.systems.chat_tenant import chat_of_tenant

MESSAGES = 12
DEFAULT_PAGE = 20
NOBODY = str(uuid4())
QUIET = {"enabled": True, "start_time": "22:00", "end_time": "08:00", "timezone": "UTC"}
REFUSED: list[tuple[str, str, Any, int]] = [
    ("GET", "?notification_type=nonsense", None, 400),
    ("GET", "/count?notification_type=nonsense", None, 400),
    ("PUT", "/read-all?notification_type=nonsense", None, 400),
    ("PUT", f"/{NOBODY}/read", None, 404),
    ("PUT", "/no-uuid/read", None, 404),
    ("DELETE", f"/{NOBODY}", None, 404),
    ("GET", "/no/such/path", None, 404),
    ("PATCH", "/preferences", {}, 405),
    ("GET", "?limit=0", None, 422),
    ("GET", "?limit=many", None, 422),
    ("GET", "?offset=-1", None, 422),
    ("GET", "?since=yesterday", None, 422),
    ("GET", "/count?unread_only=maybe", None, 422),
    ("PUT", "/preferences", [], 422),
    ("PUT", "/preferences", {"push_notifications": "yes"}, 422),
    ("PUT", "/preferences", {"sms_notifications": True}, 422),
    ("PUT", "/preferences", {"notification_types": {"nonsense": True}}, 422),
    ("PUT", "/preferences", {"quiet_hours": QUIET | {"start_time": "25:00"}}, 422),
    ("PUT", "/preferences", {"quiet_hours": QUIET | {"end_time": "22:00"}}, 422),
    ("PUT", "/preferences", {"quiet_hours": QUIET | {"timezone": "Mars/Olympus"}}, 422),
    ("PUT", "/preferences", {"push_notifications": False, "quiet_hours": {"enabled": True}}, 422),
]


# Caching


async def test_who_is_written_to_again_is_known(chat: Chat, product: Harness, sender, ann, bob):
    async def looked_up() -> dict[str, float]:
        url = f"http://127.0.0.1:{product.services['router'].health_port}/metrics"
        async with chat.http.get(url) as answer:
            found = dict(line.rsplit(" ", 1) for line in (await answer.text()).splitlines() if line[:1] != "#")
        return {what: float(found[f'carillon_profile_cache_total{{result="{what}"}}']) for what in ("hit", "miss")}

    before = await looked_up()
    for number in range(MESSAGES):
        await chat.message(sender, ann, bob)
        await chat.inbox(ann, number + 1)
    await chat.inbox(bob, MESSAGES)
    after = await looked_up()
    hits, misses = after["hit"] - before["hit"], after["miss"] - before["miss"]
    assert hits / (hits + misses) > 0.8


async def test_what_was_read_is_read_in_every_answer_from_then_on(chat: Chat, sender, ann):
    """What caches of five minutes and of one would not promise."""
    for number in range(1, 6):
        await chat.message(sender, ann)
        shown = (await chat.inbox(ann, number))[0]
        assert await chat.count(ann, "?unread_only=true") == 1
        await chat.call("PUT", f"/{shown['id']}/read", ann)
        assert await chat.count(ann, "?unread_only=true") == 0
        _, page = await chat.call("GET", "", ann)
        assert all(each["is_read"] for each in page["notifications"])


# Notification management


async def test_a_page_has_twenty_unless_asked_otherwise(chat: Chat, sender, ann):
    for _ in range(DEFAULT_PAGE + 1):
        await chat.message(sender, ann)
    newest = await chat.inbox(ann, DEFAULT_PAGE + 1)
    _, page = await chat.call("GET", "?limit=100&offset=0", ann)
    assert (len(page["notifications"]), page["has_more"]) == (DEFAULT_PAGE + 1, False)
    assert newest == page["notifications"][:DEFAULT_PAGE]
    _, page = await chat.call("GET", "", ann)
    assert (page["notifications"], page["has_more"]) == (newest, True)


# Error handling


async def test_whatever_is_refused_says_so_in_the_same_words_and_changes_nothing(chat: Chat, sender, ann):
    await chat.message(sender, ann)
    await chat.inbox(ann, 1)

    async def kept() -> list[Any]:
        return [await chat.call("GET", path, ann) for path in ("", "/count", "/preferences", "/preferences/all")]

    def without_times(found: list[Any]) -> list[Any]:
        for _, answer in found:
            answer.pop("as_of", None)
        return found

    before = without_times(await kept())
    for method, path, body, status in REFUSED:
        answer = await chat.call(method, path, ann, **({} if body is None else {"json": body}))
        assert (answer[0], answer[1]["status_code"]) == (status, status), (method, path, body, answer)
        assert answer[1]["detail"], (method, path)
    broken = {"data": b'{"push_notifications": ', "headers": {"authorization": f"Bearer {chat.token(ann)}"}}
    status, problem = await chat.ask("PUT", "/preferences", **broken)
    assert (status, problem["status_code"]) == (422, 422)
    assert without_times(await kept()) == before


# Future enhancements


async def test_date_ranges_and_text(chat: Chat, sender, ann):
    for number, text in enumerate(("Lunch at noon?", "Dinner at eight?"), 1):
        await chat.message(sender, ann, text=text)
        await chat.inbox(ann, number)
    newest, oldest = await chat.inbox(ann, 2)

    async def found(query: str) -> list[str]:
        status, page = await chat.call("GET", query, ann)
        assert status == 200, page
        return [each["id"] for each in page["notifications"]]

    assert await found(f"?since={newest['created_at']}") == [newest["id"]]
    assert await found(f"?until={newest['created_at']}") == [oldest["id"]]
    assert await found(f"?since={oldest['created_at']}&until={newest['created_at']}") == [oldest["id"]]
    assert await found("?q=dinner") == [newest["id"]]
    assert await found("?q=AT%20lunch") == [oldest["id"]]
    assert await found("?q=breakfast") == []
    assert await chat.count(ann, "?q=at") == 2


async def test_a_product_of_its_own_knows_its_own_types_only(product: Harness, stack):
    async with chat_of_tenant(product, stack, {}) as (chat, _):
        ann = await chat.join("ann")
        _, shown = await chat.call("GET", "/preferences", ann)
        assert shown["notification_types"] == dict.fromkeys(TYPES, True)
        _, shown = await chat.call("PUT", "/preferences", ann, json=WANTED)
        assert shown == WANTED | {
            "notification_types": WANTED["notification_types"] | {"friend_request_accepted": True}
        }
        status, problem = await chat.call("GET", "?notification_type=order_shipped", ann)
        assert (status, problem["detail"]) == (400, "Invalid notification type")


async def test_tenants_do_not_meet(chat: Chat, product: Harness, stack, sender, ann):
    async with chat_of_tenant(product, stack, {}) as (other, _):
        await chat.message(sender, ann)
        [shown] = await chat.inbox(ann, 1)
        assert await other.count(ann) == 0
        assert (await other.call("PUT", f"/{shown['id']}/read", ann))[0] == 404
        assert await chat.inbox(ann, 1) == [shown]


async def test_languages(chat: Chat, sender):
    anna = await chat.join("anna", locale="de")
    await chat.befriend(sender, anna)
    [shown] = await chat.inbox(anna, 1)
    [push], [mail] = await chat.push(anna), await chat.mail(anna)
    assert shown["title"] == push["subject"] == mail["subject"] == "john_doe möchte mit dir befreundet sein"


async def test_templates_of_ones_own_two_of_them_compared(product: Harness, stack):
    texts = {"in_app": {"type": "new_message", "title": "{{ data.sender_username }}: {{ data.message_preview }}"}}
    changed = {
        "steps": [{"key": "notify", "channels": ["in_app"]}],
        "templates": texts,
        "variants": [{"key": "plain"}, {"key": "loud", "templates": {"in_app": texts["in_app"] | {"title": "Look!"}}}],
    }
    async with chat_of_tenant(product, stack, {"chat.new_message": changed}) as (chat, carillon):
        sender, *people = await asyncio.gather(*(chat.join("member") for _ in range(40)))
        await chat.message(sender, *people, text="Hi")
        shown = [(await chat.inbox(user, 1))[0] for user in people]
        by_title = {title: [each for each in shown if each["title"] == title] for title in ("john_doe: Hi", "Look!")}
        assert all(by_title.values()), "each variant has its share"
        assert sum(map(len, by_title.values())) == len(people)
        for each in by_title["Look!"]:
            await chat.call("PUT", f"/{each['id']}/read", each["user_id"])

        async def counted() -> dict[str, Any] | None:
            path = "/v1/analytics/variants?workflow=chat.new_message&channel=in_app"
            rows = {row["variant"]: row["counts"] for row in (await carillon.operate("GET", path))["variants"]}
            full = sum(counts.get("sent", 0) for counts in rows.values()) == len(people)
            return rows if full and rows["loud"].get("read") == len(by_title["Look!"]) else None

        rows = await eventually(counted)
        assert rows["plain"]["sent"] == len(by_title["john_doe: Hi"])
        assert "read" not in rows["plain"]


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_preferences_are_the_callers_own(chat: Chat, ann, eve, method):
    await chat.call("PUT", "/preferences", ann, json={"push_notifications": False})
    options = {"json": {}} if method == "PUT" else {}
    _, shown = await chat.call(method, "/preferences", eve, **options)
    assert shown["push_notifications"] is True
