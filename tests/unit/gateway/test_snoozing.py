"""Snoozing by HTTP and over sockets: until when, whose items, and what devices are told."""

from __future__ import annotations

from typing import Any

import pytest

from services.gateway.inbox.snoozing import MAX_SNOOZE, BadSnooze, check_snooze
from shared.model.inbox import Change
from shared.model.timestamps import rfc3339
from shared.process.clock import now_ms
from tests.support.sockets import FakeSocket
from tests.unit.gateway.inbox_app import InboxApp
from tests.unit.gateway.live_gateway import LiveGateway
from tests.unit.gateway.scenes import ANN, item

DAY = 86_400_000
YEAR = int(MAX_SNOOZE.total_seconds()) * 1_000


@pytest.mark.parametrize(
    ("change", "until", "is_good"),
    [
        (Change.SNOOZED, 1_001, True),
        (Change.SNOOZED, 1_000 + YEAR, True),
        (Change.SNOOZED, 1_000, False),
        (Change.SNOOZED, 1_001 + YEAR, False),
        (Change.SNOOZED, -5, False),
        (Change.SNOOZED, 10**30, False),
        (Change.SNOOZED, None, False),
        (Change.READ, 1_001, False),
        (Change.READ, None, True),
        (Change.UNSNOOZED, None, True),
    ],
)
def test_until_when(change: Change, until: int | None, is_good: bool) -> None:
    if is_good:
        check_snooze(change, until, 1_000)
    else:
        with pytest.raises(BadSnooze, match="until"):
            check_snooze(change, until, 1_000)


async def test_a_snoozed_item_is_in_its_own_list_until_it_is_had_back() -> None:
    api = InboxApp()
    await api.store.insert(ANN, [item(1), item(2, expires_at=now_ms() + DAY)])
    until = rfc3339(now_ms() + DAY)
    assert await api.ask("PUT", "/n1/snooze", {"until": until}) == (
        200, {"success": True, "message": "Notification snoozed"},
    )  # fmt: skip
    _, shown = await api.ask("GET", "?snoozed=true")
    [one] = shown["notifications"]
    assert (one["id"], one["status"], one["snoozed_until"], one["expires_at"]) == ("n1", "snoozed", until, None)
    _, shown = await api.ask("GET", "")
    [other] = shown["notifications"]
    assert (other["id"], other["snoozed_until"]) == ("n2", None)
    assert other["expires_at"] is not None
    assert (await api.ask("GET", "/count?snoozed=true"))[1]["count"] == 1
    assert (await api.ask("PUT", "/n1/unsnooze"))[0] == 200
    assert (await api.ask("GET", "/count"))[1]["count"] == 2
    assert [(event.change, event.unread, event.unseen) for event in api.told] == [
        ("snoozed", 1, 1),
        ("unsnoozed", 2, 2),
    ]
    assert api.told[0].items[0].snoozed_until is not None


@pytest.mark.parametrize(
    "body",
    [
        {}, {"until": None}, {"until": "tomorrow"}, {"until": 5}, {"until": "2020-01-01T00:00:00Z"},
        {"until": "9999-12-31T23:59:59Z"}, {"until": rfc3339(now_ms() + DAY), "all": True}, [], b"{", b'{"until":NaN}',
    ],
)  # fmt: skip
async def test_a_time_that_is_none_is_refused(body: Any) -> None:
    api = InboxApp()
    await api.store.insert(ANN, [item(1)])
    status, problem = await api.ask("PUT", "/n1/snooze", body)
    assert (status, problem["status_code"]) in {(422, 422), (400, 400)}
    assert api.told == []


@pytest.mark.parametrize("who", ["default:bob", "other:ann"])
async def test_others_items_are_not_found(who: str) -> None:
    api = InboxApp()
    await api.store.insert(ANN, [item(1)])
    body = {"until": rfc3339(now_ms() + DAY)}
    for path, said in (("snooze", body), ("unsnooze", None)):
        for name in ("n1", "n9"):
            status, problem = await api.ask("PUT", f"/{name}/{path}", said, who=who)
            assert (status, problem["detail"]) == (404, "Notification not found")
    assert api.told == []


async def test_over_a_socket_every_device_is_told_and_a_bad_time_is_an_error() -> None:
    gateway = LiveGateway()
    await gateway.arrive("ann", 1)
    until = now_ms() + DAY

    def last(device: FakeSocket) -> dict[str, Any]:
        return [message for message in device.told if message["type"] == "state"][-1]

    async with gateway.socket() as phone, gateway.socket() as laptop:
        for device in (phone, laptop):
            await device.next("live")
        phone.say(type="snooze", ids=["n1"], until=5, ref="a")
        assert (await phone.next("error"))["code"] == "bad_command"
        phone.say(type="snooze", ids=["n1"], until=until, ref="b")
        assert (await phone.next("ok"))["updated"] == 1
        for device in (phone, laptop):
            told = last(device)
            assert (told["change"], told["unread"], told["items"][0]["snoozed_until"]) == ("snoozed", 0, until)
        laptop.say(type="unsnooze", ids=["n1"])
        await laptop.next("ok")
        for device in (phone, laptop):
            told = last(device)
            assert (told["change"], told["unread"], told["unseen"]) == ("unsnoozed", 1, 1)
            assert "snoozed_until" not in told["items"][0]
