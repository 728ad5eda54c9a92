"""Many items in one call, over twins: one change for all devices, several counts that fit each other."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from msgspec.structs import replace

from services.gateway.core.limits import MAX_BATCH_BYTES, MAX_COMMAND_IDS, MAX_COUNTS
from services.gateway.inbox.bulk_api import CHANGES, BatchAction
from shared.model.inbox import InboxItem
from shared.model.timestamps import rfc3339
from shared.process.clock import now_ms
from tests.unit.gateway.inbox_app import TOPICS, InboxApp
from tests.unit.gateway.scenes import ANN, item

TOMORROW = rfc3339(now_ms() + 86_400_000)
STRANGERS = ("default:bob", "other:ann")


def later(what: InboxItem, at: int) -> InboxItem:
    return replace(what, created_at=at)


def batch(action: str, *ids: str) -> dict[str, object]:
    return {"action": action, "ids": ids} | ({"until": TOMORROW} if action == "snooze" else {})


@pytest.mark.parametrize("action", BatchAction)
async def test_a_batch_is_one_change_for_all_devices(action: BatchAction) -> None:
    api = InboxApp()
    await api.store.insert(ANN, [item(1), item(2), item(3)])
    status, answer = await api.ask("POST", "/batch", batch(action, "n1", "n3", "n1", "nobody's"))
    assert (status, answer) == (200, {"success": True, "message": "Notifications changed", "updated_count": 2})
    [event] = api.told
    assert (event.change, [one.id for one in event.items]) == (CHANGES[action], ["n1", "n3"])
    assert event.unread == (1 if action in {"read", "archive", "delete", "snooze"} else 3)
    assert len(api.log.on(TOPICS.statuses)) == 2


@pytest.mark.parametrize("action", BatchAction)
@pytest.mark.parametrize("who", STRANGERS)
async def test_others_items_are_as_those_that_do_not_exist(action: BatchAction, who: str) -> None:
    api = InboxApp()
    await api.store.insert(ANN, [item(1)])
    before = await api.ask("GET", "")
    theirs = await api.ask("POST", "/batch", batch(action, "n1"), who=who)
    nobodys = await api.ask("POST", "/batch", batch(action, "n9"), who=who)
    assert theirs == nobodys
    assert theirs[1]["updated_count"] == 0
    assert (api.told, await api.ask("GET", "")) == ([], before)


async def test_a_batch_that_could_not_be_announced_is_repeated_and_announced_once_more() -> None:
    api = InboxApp()
    await api.store.insert(ANN, [item(1)])
    api.log.outages.add(1)
    wanted = {"action": "read", "ids": ["n1"]}
    status, answer = await api.ask("POST", "/batch", wanted)
    assert (status, answer["status_code"], api.told) == (503, 503, [])
    assert (await api.ask("POST", "/batch", wanted))[1]["updated_count"] == 1
    assert [event.unread for event in api.told] == [0]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"action": "snooze_for_ever", "ids": ["n1"]}, "/action"),
        ({"action": "read", "ids": []}, "/ids"),
        ({"action": "read", "ids": ["n"] * (MAX_COMMAND_IDS + 1)}, "/ids"),
        ({"action": "read", "ids": ["n" * 65]}, "/ids/0"),
        ({"action": "read", "ids": [{"$ne": None}]}, "/ids/0"),
        ({"action": "read", "ids": ["n1"], "user_id": "bob"}, "/user_id"),
        ({"ids": ["n1"]}, "/action"),
        ({"action": "snooze", "ids": ["n1"]}, "/until"),
        ({"action": "snooze", "ids": ["n1"], "until": 5}, "/until"),
        ({"action": "snooze", "ids": ["n1"], "until": "2026-01-01T00:00:00Z"}, "/until"),
        ({"action": "read", "ids": ["n1"], "until": TOMORROW}, "/until"),
        ([], ""),
    ],
)
async def test_a_batch_that_is_wrong_changes_nothing(body: object, pointer: str) -> None:
    api = InboxApp()
    await api.store.insert(ANN, [item(1)])
    status, problem = await api.ask("POST", "/batch", body)
    assert (status, problem["status_code"], problem["code"]) == (422, 422, "invalid_request")
    assert problem["errors"][0]["pointer"] == pointer
    assert api.told == []


@pytest.mark.parametrize("path", ["/batch", "/counts"])
async def test_bodies_are_bounded_plain_json(path: str) -> None:
    api = InboxApp()
    for body, headers, expected in (
        (b"{", {}, (422, "invalid_json")),
        (b'{"ids": 1, "ids": 2}', {}, (422, "invalid_json")),
        (b"x" * (MAX_BATCH_BYTES + 1), {}, (413, "body_too_large")),
        (b"{}", {"content-encoding": "gzip"}, (415, "unsupported_encoding")),
    ):
        status, problem = await api.ask("POST", path, body, **headers)
        assert (status, problem["code"]) == expected
        assert problem["status_code"] == status


async def test_several_counts_at_once() -> None:
    api = InboxApp()
    await api.store.insert(
        ANN,
        [item(1, category="orders", priority="high"), item(2, category="orders"), later(item(3), 9_000), item(4)],
    )
    await api.ask("PUT", "/n1/seen")
    await api.ask("PUT", "/n2/read")
    await api.ask("PUT", "/n4/archive")
    filters = {
        "all": {},
        "badge": {"unseen_only": True},
        "orders, unread": {"category": "orders", "unread_only": True},
        "urgent": {"priority": "high"},
        "old": {"until": "1970-01-01T00:00:09Z"},
        "archive": {"archived": True},
    }
    status, answer = await api.ask("POST", "/counts", {"filters": filters})
    assert status == 200
    shown = {name: (one["count"], one["unread"], one["unseen"]) for name, one in answer["counts"].items()}
    assert shown == {
        "all": (3, 2, 1), "badge": (1, 1, 1), "orders, unread": (1, 1, 0), "urgent": (1, 1, 0), "old": (2, 1, 0),
        "archive": (1, 1, 1),
    }  # fmt: skip
    assert list(shown) == list(filters)
    assert {tuple(one["as_of"].items()) for one in answer["counts"].values()} == {
        (("offset", 4), ("at", api.store.now - 5_000))
    }
    for who in STRANGERS:
        _, answer = await api.ask("POST", "/counts", {"filters": {"all": {}}}, who=who)
        assert answer["counts"]["all"] == {"count": 0, "unread": 0, "unseen": 0, "as_of": {"offset": -1, "at": 0}}


@pytest.mark.parametrize(
    ("filters", "status", "pointer"),
    [
        ({}, 422, "/filters"),
        ({f"c{number}": {} for number in range(MAX_COUNTS + 1)}, 422, "/filters"),
        ({"": {}}, 422, None),
        ({"x" * 65: {}}, 422, None),
        ({"x": {"q": "text"}}, 422, "/filters/x/q"),
        ({"x": {"unread_only": "yes"}}, 422, "/filters/x/unread_only"),
        ({"x": {"since": 5}}, 422, "/filters/x/since"),
        ({"x": {"priority": {"$ne": 1}}}, 422, "/filters/x/priority"),
        ({"x": {"category": {"$ne": 1}}}, 422, "/filters/x/category"),
        ({"x": {"notification_type": "nonsense"}}, 400, None),
    ],
)
async def test_counts_that_are_wrong_are_refused(filters: object, status: int, pointer: str | None) -> None:
    found, problem = await InboxApp().ask("POST", "/counts", {"filters": filters})
    assert (found, problem["status_code"]) == (status, status)
    assert pointer is None or problem["errors"][0]["pointer"] == pointer


async def test_a_list_and_a_count_by_every_filter() -> None:
    api = InboxApp()
    await api.store.insert(
        ANN,
        [
            item(1, category="orders", priority="high", title="Order A.7", body="has shipped"),
            later(item(2, category="orders", priority="low", title="Order AX7"), 9_000),
            later(item(3, title="Lunch?"), 9_001),
        ],
    )
    for query, expected in (
        ("category=orders", ["n2", "n1"]),
        ("category=orders&priority=low", ["n2"]),
        ("since=1970-01-01T00:00:09Z", ["n3", "n2"]),
        ("since=1970-01-01T01:00:09%2B01:00&until=1970-01-01T00:00:09.001Z", ["n2"]),
        ("q=a.7", ["n1"]),
        ("q=shipped%20ORDER", ["n1"]),
        ("q=%20", ["n3", "n2", "n1"]),
        ("q=order&priority=high&unread_only=true&unseen_only=true", ["n1"]),
        ("archived=true", []),
        ("since=0001-01-01T00:00:00Z&until=9999-12-31T23:59:59.999Z", ["n3", "n2", "n1"]),
    ):
        _, page = await api.ask("GET", f"?{query}")
        assert [shown["id"] for shown in page["notifications"]] == expected
        assert (page["total"], page["unread"], page["unseen"]) == (len(expected),) * 3
        _, counted = await api.ask("GET", f"/count?{query}")
        assert (counted["count"], counted["unread"], counted["unseen"]) == (len(expected),) * 3
    _, page = await api.ask("GET", "")
    assert [(shown["category"], shown["priority"]) for shown in page["notifications"]] == [
        (None, None), ("orders", "low"), ("orders", "high"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("priority=critical", "/priority"),
        ("category=" + "x" * 201, "/category"),
        ("since=yesterday", "/since"),
        ("until=2026-02-30T00:00:00Z", "/until"),
        ("since=2026-01-01T00:00:00+01:00", "/since"),
        ("until=9999-12-31T23:59:59.9999Z", "/until"),
        ("since=0001-01-01T00:00:00%2B12:00", "/since"),
        ("q=" + "x" * 101, "/q"),
        ("q=" + quote(" ".join("abcdefghijk")), "/q"),
        ("q=a%00b", "/q"),
        ("q=a%1Bb", "/q"),
    ],
)
@pytest.mark.parametrize("path", ["", "/count"])
async def test_filters_that_are_wrong_are_refused(path: str, query: str, pointer: str) -> None:
    status, problem = await InboxApp().ask("GET", f"{path}?{query}")
    assert (status, problem["status_code"], problem["errors"][0]["pointer"]) == (422, 422, pointer)
    if "+" in query:
        assert "%2B" in problem["errors"][0]["detail"]
