"""The dry run on a real Kafka and mongod: the same answers, and nothing is there afterwards that was not before."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from shared.mongo.database import open_database
from tests.integration.ingest.stack import SEND, Stack, call

pytestmark = pytest.mark.timeout(180)
PATH = "/v1/notifications?dry_run=true"
ROOT = Path(__file__).parents[3]


async def stored(stack: Stack) -> dict[str, Any]:
    """How much is in each collection and each topic; what each request may touch besides: keys are counted, too."""
    async with open_database(stack.mongod.uri, stack.database) as database:
        names = await database.list_collection_names()
        rows = {name: await database[name].count_documents({}) for name in sorted(names)}
    topics = stack.topics
    ends = {
        topic: len(await stack.read(topic)) for topic in (topics.notifications, topics.events, topics.accepted_events)
    }
    return {"rows": rows, "records": ends}


async def test_nothing_is_stored_or_sent(stack: Stack, api: aiohttp.ClientSession) -> None:
    user = f"u-{uuid4().hex[:8]}"
    assert (await call(api, "PUT", f"/v1/users/{user}", json={"name": "Ada"}))[0] in (200, 201)
    before = await stored(stack)
    body = SEND | {"recipients": [user, "nobody", {"email": "eve@example.com"}], "cancellation_key": "k"}
    for key in ("a", "a", "b"):
        status, answer, headers = await call(api, "POST", PATH, json=body, headers={"Idempotency-Key": key})
        assert status == 200
        assert "Location" not in headers
    ada, nobody, eve = answer["recipients"]
    assert [(item["outcome"], item["channel"]) for item in ada["items"]] == [("deliver", "in_app")]
    assert [item["reason"] for item in nobody["items"]] == ["unknown_user"]
    assert [item["reason"] for item in eve["items"]] == ["no_address"]
    assert await stored(stack) == before
    status, _, _ = await call(api, "POST", "/v1/notifications?dry_run=false", json=body)
    assert status == 202
    assert await stored(stack) != before, "the check sees what is sent"


async def test_the_same_is_refused(stack: Stack, api: aiohttp.ClientSession) -> None:
    for body in (SEND | {"workflow": "chat.new_mesage"}, {}, SEND | {"recipients": []}, SEND | {"expires_at": "x"}):
        real = await call(api, "POST", "/v1/notifications", json=body)
        dry = await call(api, "POST", PATH, json=body)
        assert (dry[0], dry[1]["code"], dry[1].get("errors")) == (real[0], real[1]["code"], real[1].get("errors"))
        assert dry[0] == 422
    before = await stored(stack)
    for path in ("notifications?dryrun=true", "notifications/cancel?dry_run=true", "events?dry_run=true"):
        body = {"cancellation_key": "k"} if "cancel" in path else SEND
        assert (await call(api, "POST", f"/v1/{path}", json=body))[1]["code"] == "invalid_query", path
    assert await stored(stack) == before


async def test_a_hundred_recipients_are_answered_soon(stack: Stack, api: aiohttp.ClientSession) -> None:
    body = SEND | {"recipients": [f"u{number}" for number in range(100)]}
    status, answer, _ = await call(api, "POST", PATH, json=body)
    assert (status, len(answer["recipients"])) == (200, 100)


async def test_carillon_send_dry_run_tells_it(stack: Stack, api: aiohttp.ClientSession) -> None:
    await call(api, "PUT", "/v1/users/ada", json={"name": "Ada"})
    argv = ["send", "chat.new_message", "--to", "ada", "--data", '{"text":"hi"}', "--dry-run", "--watch"]
    for more in ([], ["--json"]):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "carillon", *argv, *more, "--url", stack.urls[0], "--key", stack.key,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=ROOT,
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        if more:
            assert json.loads(out)["dry_run"] is True
        else:
            assert "nothing was sent: a dry run" in out.decode()
            assert "It goes by in_app." in out.decode()
