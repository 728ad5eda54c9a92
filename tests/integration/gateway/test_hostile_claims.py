"""Origins in other spellings, ids of other users in every verb, made-up cursors and targets: nothing is had, nothing is told."""

from __future__ import annotations

import json
import re
from typing import get_args

import pytest

from services.gateway.live.core.commands import ChangeCommand
from services.gateway.live.core.cursor import MAX_TOKEN, Cursors
from shared.model import ids
from shared.model.timestamps import rfc3339
from shared.mongo.epoch import epoch
from shared.process.clock import now_ms
from tests.integration.gateway.stage import GatewayStage, running, token
from tests.support.raw_sockets import raw_socket, say

SPELLINGS = [
    "",
    " ",
    "null",
    "NULL",
    "*",
    "good.example",
    "//good.example",
    "good.example:80",
    "http:good.example",
    "http:/good.example",
    "http:///good.example",
    "http:\\\\good.example",
    "http://",
    "http://*",
    "http://*.example",
    "http://good.example/",
    "http://good.example/x",
    "http://good.example?",
    "http://good.example#",
    "http://good.example.",
    "http://good.example:",
    "http://good.example:80",
    "http://good.example:080",
    "http://good.example:8080",
    "http://good.example:443",
    "http://GOOD.example",
    "HTTP://good.example",
    "https://good.example",
    "ws://good.example",
    "file://good.example",
    "http://evil.example",
    "http://good.example.evil.example",
    "http://evil.good.example",
    "http://evilgood.example",
    "http://good.example@evil.example",
    "http://user@good.example",
    "http://good.example%00.evil.example",
    "http://good.example%2eevil.example",
    "http://good-example",
    "http://go\u00f6d.example",
    "http://g\u043e\u043ed.example",
    "http://good.example http://evil.example",
    "http://good.example, http://evil.example",
    "http://good.example\thttp://evil.example",
    "http://also.example:8443",
    "https://also.example",
    "https://also.example:8443/",
    "http://127.0.0.1",
    "http://good.example" + "x" * 4_000,
]
"""Of http://good.example and https://also.example:8443, as no browser sends them."""

HOUR_MS = 3_600_000


@pytest.fixture
async def stage(names):
    async with running(names) as found:
        yield found


async def test_an_origin_in_another_spelling_gets_nothing(stage: GatewayStage):
    assert len(set(SPELLINGS)) >= 40
    got_in = []
    for origin in SPELLINGS:
        async with raw_socket(stage.settings.socket_port, {"Origin": origin}) as opened:
            got_in += [origin] if opened.status != 403 else []
            assert "good.example" not in opened.head, "who is allowed is told to nobody"
    assert got_in == []
    two = {"Origin": "http://good.example\r\nOrigin: http://evil.example"}
    async with raw_socket(stage.settings.socket_port, two) as opened:
        assert opened.status == 403
    async with raw_socket(stage.settings.socket_port, {"Origin": "http://good.example"}) as opened:
        assert opened.status == 101


async def test_nor_may_its_page_read_what_the_inbox_answers(stage: GatewayStage):
    allowed = []
    for origin in SPELLINGS:
        encoded = origin.strip().encode(errors="ignore").decode("latin-1").replace("\t", " ")
        headers = {"authorization": f"Bearer {token('ann')}", "origin": encoded}
        async with stage.http.get(f"{stage.rest_url}/count", headers=headers) as answer:
            allowed += [origin] if "access-control-allow-origin" in answer.headers else []
    assert allowed == []


def commands_for(mine: str) -> list[dict]:
    """Every verb of a client that takes ids."""
    return [
        {"type": command.__struct_config__.tag, "ids": [mine]}
        | ({"until": now_ms() + HOUR_MS} if "until" in command.__struct_fields__ else {})
        for command in get_args(ChangeCommand)
    ]


async def test_ids_of_others_in_every_command(stage: GatewayStage):
    [item] = await stage.arrive("ann")
    before = await stage.database.inbox.find_one({})
    for who, tenant in (("bob", "default"), ("ann", "other")):
        async with stage.client("ann") as ann, stage.client(who, tenant=tenant) as thief:
            await ann.next("live")
            await thief.next("live")
            for command in commands_for(item.id):
                await thief.say(**command)
                theirs = await thief.next()
                await thief.say(**command | {"ids": ["7f3e5b0c-0000-4000-8000-000000000000"]})
                assert theirs == await thief.next(), "as of an id that nobody has"
                assert (theirs["type"], theirs["for"], theirs["updated"]) == ("ok", command["type"], 0)
            await thief.say(type="read", all=True)
            assert (await thief.next("ok"))["updated"] == 0
            await ann.say(type="ping")
            assert (await ann.next())["type"] == "pong", "nothing was told to whose it is"
    assert await stage.database.inbox.find_one({}) == before


async def test_ids_of_others_in_every_call(stage: GatewayStage):
    """Whatever route has an id in its path: 404, and to the letter as of an id that nobody has."""
    [item] = await stage.arrive("ann")
    _, device = await stage.call("PUT", "/devices", json={"platform": "fcm", "token": "t" * 40})
    mine = {"{notification_id}": item.id, "{device_id}": device["id"]}
    before = await stage.database.inbox.find_one({})
    async with stage.http.get(f"{stage.rest_url.partition('/api')[0]}/openapi.json") as answer:
        paths = (await answer.json())["paths"]
    tried = 0
    for path, operations in paths.items():
        found = re.search(r"\{(notification|device)_id\}", path)
        for method, operation in operations.items() if found else ():
            answers = []
            body = {"json": {"until": rfc3339(now_ms() + HOUR_MS)}} if "requestBody" in operation else {}
            for named in (mine[found[0]], "7f3e5b0c-0000-4000-8000-000000000000"):
                url = path.removeprefix("/api/v1/notifications").replace(found[0], named)
                for who in ({"user": "bob"}, {"user": "ann", "tenant": "other"}):
                    status, problem = await stage.call(method.upper(), url, **who, **body)
                    assert status == 404, (method, path, problem)
                    del problem["request_id"]
                    answers.append(json.dumps(problem).replace(named, "ID"))
            assert len(set(answers)) == 1, (method, path, answers)
            tried += 1
    assert tried >= 7
    assert await stage.database.inbox.find_one({}) == before
    assert (await stage.call("GET", "/devices"))[1]["devices"]


@pytest.mark.parametrize("now", [MAX_TOKEN, MAX_TOKEN + 1, 2**62])
@pytest.mark.parametrize("offset", [0, 2**62])
async def test_a_made_up_cursor_is_one_that_nobody_knows_or_tells_of_nothing(
    stage: GatewayStage, offset: int, now: int
):
    await stage.arrive("ann", 2)
    cursor = Cursors(await epoch(stage.database), ids.user_key("default", "ann")).write(offset, now)
    async with stage.client("ann", cursor) as client:
        await client.next("live")
    reset = {"type": "reset", "reason": "unknown_cursor"}
    assert (client.told[0] == reset) == (offset > 1 or now > MAX_TOKEN)


@pytest.mark.parametrize("target", ["//[", "//a]b/?x", "//[]/ws", "http://[/", "/?cursor=%ff%00"])
async def test_a_target_that_is_no_url_is_served_as_any_other(stage: GatewayStage, target: str):
    async with raw_socket(stage.settings.socket_port, path=target) as opened:
        await opened.send(say(type="auth", token=token("ann")))
        assert opened.status == 101
        assert await opened.next()
