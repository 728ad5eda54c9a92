"""Workflows of several steps through real services: what waits, gathers, escalates, falls back, gives way."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import orjson
import pytest

from shared.model.timestamps import rfc3339
from shared.process.clock import now_ms
from tests.e2e.run_workflows import publish_runs
from tests.e2e.scene import Scene
from tests.support.env import Harness
from tests.support.wait import until

HOUR = 3_600_000


@pytest.fixture
async def scene(product: Harness) -> Scene:
    await publish_runs(product)
    return Scene(product)


async def happen(scene: Scene, kind: str, user: str, *datas: dict[str, Any], **more: str) -> None:
    """Events, each for one user, in one call."""
    known = {"specversion": "1.0", "source": "/tests", "type": kind}
    events = [known | more | {"id": uuid4().hex, "data": {"to": [user], **data}} for data in datas]
    batch = {"content-type": "application/cloudevents-batch+json"}
    await scene.product.call("POST", "/v1/events", data=orjson.dumps(events), headers=batch)


async def inbox(scene: Scene, user: str, least: int) -> list[dict[str, Any]]:
    """The user's items once there are that many, the oldest first."""

    async def enough() -> list[dict[str, Any]]:
        headers = {"authorization": f"Bearer {scene.product.token(user)}"}
        path = "/api/v1/notifications?limit=100"
        found = (await scene.product.call("GET", path, service="gateway", headers=headers))["notifications"]
        return found if len(found) >= least else []

    return list(reversed(await until(enough, what=f"{least} items of {user}")))


async def waiting(scene: Scene, user: str, cause: str) -> list[dict[str, Any]]:
    """The user's holds of a cause, once there are some."""
    async with scene.product.database() as database:

        async def some() -> list[dict[str, Any]]:
            return await database.holds.find({"user": user, "cause": cause}).to_list(None)

        return await until(some, what=f"a hold of {user} for {cause}")


async def test_what_belongs_together_is_one_message(scene: Scene) -> None:
    user = await scene.person()
    await happen(scene, "run.digest", user, *({"thread": "a", "n": n} for n in range(40)), {"thread": "b", "n": 40})
    items = await inbox(scene, user, 2)
    assert sorted(item["title"] for item in items) == ["1 of b", "40 of a"]


async def test_only_what_is_not_read_escalates(scene: Scene) -> None:
    reader, other = await scene.person(), await scene.person()
    for user in (reader, other):
        await happen(scene, "run.escalate", user, {"n": 7})
    (item,) = await inbox(scene, reader, 1)
    await waiting(scene, reader, "wait_for_read")
    headers = {"authorization": f"Bearer {scene.product.token(reader)}"}
    await scene.product.call("PUT", f"/api/v1/notifications/{item['id']}/read", service="gateway", headers=headers)
    (mail,) = await until(lambda: scene.messages("email", other), what="the mail that escalates")
    assert mail["subject"] == "Still there?"
    assert await scene.ends(item["id"]) == {"in_app": "sent", "all": "suppressed: already_read"}
    assert await scene.messages("email", reader) == []


async def test_a_channel_that_fails_for_good_gives_way_to_the_next_once(scene: Scene) -> None:
    user = await scene.person()
    plan = {"email": {"mode": "reject", "only": f"{user}@example.com"}}
    await scene.product.call("PUT", "/faults", service="sink", json=plan)
    try:
        await happen(scene, "run.first", user, {"n": 1})
        await until(lambda: scene.messages("webhook", user), what="the webhook instead of the mail")
    finally:
        await scene.product.call("DELETE", "/faults", service="sink")
    fine = await scene.person()
    await happen(scene, "run.first", fine, {"n": 1})
    await until(lambda: scene.messages("email", fine), what="the mail that works")
    assert [len(await scene.messages(kind, user)) for kind in ("email", "webhook")] == [0, 1]
    assert await scene.messages("webhook", fine) == []


async def test_an_opt_out_counts_for_what_a_delay_holds(scene: Scene) -> None:
    gone, stays = await scene.person(), await scene.person()
    for user in (gone, stays):
        await happen(scene, "run.later", user, {"n": 1})
    await waiting(scene, gone, "delay")
    await scene.product.call("PATCH", f"/v1/users/{gone}", json={"preferences": {"categories": {"run.later": False}}})
    await until(lambda: scene.messages("email", stays), what="the mail of who stays")

    async def ended() -> bool:
        async with scene.product.database() as database:
            run = await database.runs.find_one({"user": gone})
            return run is not None and run["state"] == "ended"

    await until(ended, what="the end of the run")
    assert await scene.messages("email", gone) == []


async def test_a_booking_that_moves_takes_its_reminder_along(scene: Scene) -> None:
    user, now = await scene.person(), now_ms()

    def start(at: int) -> dict[str, Any]:
        return {"booking": "b-1", "start": rfc3339(at), "thread": str(at - now)}

    await happen(scene, "run.booking", user, start(now + HOUR + 600_000), time=rfc3339(now - 2000))
    await waiting(scene, user, "delay")
    await happen(scene, "run.booking", user, start(now + HOUR + 3_000), time=rfc3339(now - 1000))
    await happen(scene, "run.booking", user, start(now + HOUR + 900_000), time=rfc3339(now - 1500))
    (item,) = await inbox(scene, user, 1)
    assert item["title"] == f"1 of {HOUR + 3_000}"

    async def alone() -> bool:
        async with scene.product.database() as database:
            return not await database.holds.count_documents({"user": user})

    await until(alone, what="nothing waits any more")
    assert len(await inbox(scene, user, 1)) == 1


async def test_a_throttle_lets_so_many_pass(scene: Scene) -> None:
    user = await scene.person()
    await asyncio.gather(*(happen(scene, "run.limited", user, {"n": n}) for n in range(10)))

    async def decided() -> bool:
        async with scene.product.database() as database:
            return await database.decisions.count_documents({"user": user}) == 10

    await until(decided, what="ten decisions")
    assert len(await inbox(scene, user, 2)) == 2


async def test_what_is_shown_twice_is_two_items_and_each_is_read_by_itself(scene: Scene) -> None:
    user = await scene.person()
    await happen(scene, "run.twice", user, {"thread": "a"})
    first, second = await inbox(scene, user, 2)
    assert (first["title"], second["title"]) == ("1 of a", "Still a")
    assert first["id"] == first["notification_id"] == second["notification_id"] != second["id"]
    headers = {"authorization": f"Bearer {scene.product.token(user)}"}
    for item, unread in ((second, [True, False]), (first, [False, False])):
        path = f"/api/v1/notifications/{item['id']}/read"
        await scene.product.call("PUT", path, service="gateway", headers=headers)
        assert [not each["is_read"] for each in await inbox(scene, user, 2)] == unread
