"""Items that are over, and that are back, on the sockets of who is connected and of who comes later."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.delivery.channels.in_app.times import Times
from shared.kafka.group_commit import GroupPublisher
from shared.model.inbox import InboxItem
from shared.model.timestamps import rfc3339, to_datetime
from shared.mongo.inbox_times import InboxTimes
from shared.process import failpoints
from shared.process.clock import now_ms
from shared.process.failpoints import Failpoint
from tests.chaos.evidence import read_topic
from tests.integration.gateway.stage import GatewayStage, running
from tests.support.env import Names
from tests.support.wait import until

SOON_MS = 1_500


class Killed(Exception):
    """Instead of the end of the process."""


@pytest.fixture
async def stage(names: Names) -> AsyncIterator[GatewayStage]:
    async with running(names) as found:
        yield found


@asynccontextmanager
async def time_goes(stage: GatewayStage) -> AsyncIterator[asyncio.Task[None]]:
    """What the in_app channel does beside its lane."""
    stop = asyncio.Event()
    times = Times(store=InboxTimes(stage.database), publisher=stage.publisher, topics=stage.topics)
    running = asyncio.create_task(times.run(stop))
    try:
        yield running
    finally:
        stop.set()
        if not running.done():
            await running


async def ends(stage: GatewayStage, item: InboxItem, at: int) -> None:
    await stage.database.inbox.update_one({"notification": item.id}, {"$set": {"expires_at": to_datetime(at)}})


async def unread(stage: GatewayStage) -> tuple[int, int]:
    _, page = await stage.call("GET", "")
    return page["total"], page["unread"]


async def test_an_item_that_is_over_is_gone_everywhere(stage: GatewayStage) -> None:
    first, second = await stage.arrive("ann", 2)
    async with stage.client("ann") as early, time_goes(stage):
        await early.next("live")
        await ends(stage, first, now_ms() + SOON_MS)
        told = await early.next("state")
        assert (told["change"], told["unread"], told["unseen"]) == ("expired", 1, 1)
        [state] = told["items"]
        assert (state["id"], "deleted_at" in state) == (first.id, True)
        assert await unread(stage) == (1, 1)
        async with stage.client("ann") as late:
            await late.next("live")
            assert late.told[0]["unread"] == 1
            assert late.offsets == [second.offset]
    statuses = [dict(record.headers) for record in await read_topic(stage.settings.kafka, stage.topics.statuses)]
    assert [(one["ce_type"], one["ce_subject"]) for one in statuses] == [(b"carillon.inbox.expired", first.id.encode())]


async def test_without_anybody_who_tells_it_lists_and_newcomers_are_right(stage: GatewayStage) -> None:
    first, second = await stage.arrive("ann", 2)
    await ends(stage, first, now_ms() - 1)
    assert await unread(stage) == (1, 1)
    assert (await stage.call("PUT", f"/{first.id}/read"))[0] == 404
    async with stage.client("ann") as client:
        await client.next("live")
        assert (client.told[0]["unread"], client.offsets) == (1, [second.offset])


async def test_what_is_snoozed_is_back_on_every_device_unread_and_unseen(stage: GatewayStage) -> None:
    [item] = await stage.arrive("ann")
    async with stage.client("ann") as phone, stage.client("ann") as laptop, time_goes(stage):
        for device in (phone, laptop):
            await device.next("live")
        assert (await stage.call("PUT", f"/{item.id}/read"))[0] == 200
        for device in (phone, laptop):
            await device.next("state")
        await phone.say(type="snooze", ids=[item.id], until=now_ms() + SOON_MS)
        for device in (phone, laptop):
            told = await device.next("state")
            assert (told["change"], told["unread"], "snoozed_until" in told["items"][0]) == ("snoozed", 0, True)
        assert await unread(stage) == (0, 0)
        for device in (phone, laptop):
            told = await device.next("state")
            assert (told["change"], told["unread"], told["unseen"]) == ("unsnoozed", 1, 1)
            assert not told["items"][0].keys() & {"snoozed_until", "read_at", "seen_at"}
        assert await unread(stage) == (1, 1)


async def test_a_kill_before_it_is_told_loses_nothing_for_who_comes_back_either(
    stage: GatewayStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise Killed

    [item] = await stage.arrive("ann")
    async with stage.client("ann") as client:
        await client.next("live")
        await ends(stage, item, now_ms() - 1)
        with monkeypatch.context() as armed:
            armed.setattr(failpoints.os, "kill", killed)
            failpoints.arm(Failpoint.AFTER_INBOX_TIMES)
            async with time_goes(stage) as dying:
                with pytest.raises(Killed):
                    await dying
        failpoints.arm(None)
        cursor = client.cursor
    async with stage.client("ann", cursor) as back:
        await back.next("live")
        async with time_goes(stage):
            told: dict[str, Any] = back.told[-2] if back.told[-2]["type"] == "state" else {}
            while told.get("change") != "expired":
                told = await back.next("state")
        assert (told["unread"], "deleted_at" in told["items"][0]) == (0, True)

    async def all_told() -> bool:
        return not await stage.database.inbox.count_documents({"untold": {"$exists": True}})

    await until(all_told, what="it is told")


async def test_a_batch_snoozes_and_the_list_of_snoozed_ones_shows_them(stage: GatewayStage) -> None:
    items = await stage.arrive("ann", 3)
    body = {"action": "snooze", "ids": [items[0].id, items[2].id], "until": rfc3339(now_ms() + 86_400_000)}
    status, answer = await stage.call("POST", "/batch", data=json.dumps(body))
    assert (status, answer["updated_count"]) == (200, 2)
    _, page = await stage.call("GET", "?snoozed=true")
    assert [(one["id"], one["status"]) for one in page["notifications"]] == [
        (items[2].id, "snoozed"), (items[0].id, "snoozed"),
    ]  # fmt: skip
    assert await unread(stage) == (1, 1)


@pytest.mark.parametrize("call", ["/{id}/read", "/{id}/archive", "/read-all"])
async def test_a_change_whose_gateway_dies_before_it_tells_of_it_is_told_by_another(
    stage: GatewayStage, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Nobody repeats it; the others are told all the same, and once."""
    [item] = await stage.arrive("ann")
    async with stage.client("ann") as phone:
        await phone.next("live")
        with monkeypatch.context() as dying:
            dying.setattr(GroupPublisher, "publish", _dies)
            assert (await stage.call("PUT", call.format(id=item.id)))[0] == 500
        async with time_goes(stage):
            told = await phone.next("state")
        assert (told["items"][0]["id"], told["unread"]) == (item.id, 0)
        assert told["change"] in {"read", "archived"}
        assert not await stage.database.inbox.count_documents({"untold": {"$exists": True}})


async def test_what_was_told_is_not_told_again(stage: GatewayStage) -> None:
    [item] = await stage.arrive("ann")
    for call in (f"/{item.id}/read", f"/{item.id}/unread", "/read-all", f"/{item.id}/archive"):
        assert (await stage.call("PUT", call))[0] == 200
        marks = {"$or": [{name: {"$exists": True}} for name in ("untold", "token", "lease")]}
        assert not await stage.database.inbox.count_documents(marks), call


async def _dies(*_: object) -> None:
    raise Killed
