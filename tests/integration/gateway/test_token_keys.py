"""Tokens of a key set, and hostile ones, over the inbox API and over sockets: the same ones get in and stay out."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from services.gateway.app import serve
from services.gateway.keys.token_keys import TokenKeys
from shared.process.runtime import Runtime
from tests.integration.gateway.stage import GatewayStage, InboxClient, running, settings_of
from tests.support.env import TOKEN_SECRET
from tests.support.hostile_tokens import AUDIENCE, ISSUER, Scene, hostile_tokens
from tests.support.token_keys import KeyServer, Signer, key_server, key_set
from tests.support.wait import until

SIGNERS = (Signer("rsa", "RS256"), Signer("ec", "ES256"), Signer("ed", "EdDSA"))


@pytest.fixture
def scene() -> Scene:
    return Scene(TOKEN_SECRET, *SIGNERS, now=int(time.time()))  # noqa: TID251  # a JWT's clock


@asynccontextmanager
async def gateway(names, *signers: Signer, **others) -> AsyncIterator[tuple[GatewayStage, KeyServer]]:
    wanted = {"token_issuer": ISSUER, "token_audience": AUDIENCE} | others
    async with key_server(*signers) as server, running(names, token_jwks_url=server.url, **wanted) as stage:
        yield stage, server


async def by_http(stage: GatewayStage, token: str) -> tuple[int, str, str]:
    """Status, reason, and all that was said."""
    async with stage.http.get(f"{stage.rest_url}/count", headers={"authorization": f"Bearer {token}"}) as answer:
        problem = await answer.json()
        return answer.status, problem.get("detail", ""), f"{answer.headers}{await answer.text()}"


async def by_socket(stage: GatewayStage, token: str) -> tuple[int | None, str]:
    """Close code and reason; None for a hello."""
    async with connect(stage.socket_url) as opened:
        client = InboxClient(socket=opened)
        await client.say(type="auth", token=token)
        with suppress(ConnectionClosed):
            await client.next("hello")
            return None, ""
        return opened.close_code, opened.close_reason or ""


async def test_hostile_tokens_get_nobody_in_and_hold_nothing(names, scene: Scene):
    table = {name: hostile.token for name, hostile in hostile_tokens(scene).items()} | {"empty": ""}
    said = {name: hostile.said for name, hostile in hostile_tokens(scene).items()} | {"empty": ""}
    async with gateway(names, *SIGNERS) as (stage, server):
        found = {name: (await by_http(stage, token), await by_socket(stage, token)) for name, token in table.items()}
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(20):
            await asyncio.gather(*(by_http(stage, table["a megabyte"]) for _ in range(5)))
            await asyncio.gather(*(by_http(stage, table["kid 'unknown'"]) for _ in range(20)))
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        for signer in SIGNERS:
            assert (await by_http(stage, signer.token(scene.claims())))[0] == 200
            assert (await by_socket(stage, signer.token(scene.claims())))[0] is None
        assert (await by_http(stage, scene.by_secret()))[0] == 200
    assert {name: (http[0], socket[0]) for name, (http, socket) in found.items()} == {
        name: (401, 1009 if name == "a megabyte" else 4401) for name in table
    }
    assert [name for name, (http, _) in found.items() if said[name] not in http[1]] == []
    assert [name for name, (http, socket) in found.items() if said[name] not in socket[1] and socket[0] == 4401] == []
    told = {name: http[2] + socket[1] for name, (http, socket) in found.items()}
    secrets = [TOKEN_SECRET, server.url, "evil", "passwd"]
    leaks = {
        name: part
        for name, text in told.items()
        for part in [*secrets, *(part for part in table[name].split(".") if len(part) > 8)]
        if part in text
    }
    assert leaks == {}
    assert server.asked == 1, "no token made the keys be fetched within 30 s of the first fetch"
    assert grown < 131_072, "KiB, of client and gateway together"


async def test_another_tenants_token_shows_nothing_and_takes_no_socket_over(names, scene: Scene):
    async with gateway(names, *SIGNERS) as (stage, _):
        await stage.arrive("ann", 2)
        own, other = (scene.ec.token(scene.claims(tenant=tenant)) for tenant in ("default", "acme"))
        for token, count in ((own, 2), (other, 0)):
            headers = {"authorization": f"Bearer {token}"}
            async with stage.http.get(f"{stage.rest_url}/count", headers=headers) as answer:
                assert (await answer.json())["count"] == count
        async with connect(stage.socket_url) as opened:
            client = InboxClient(socket=opened)
            await client.say(type="auth", token=own)
            await client.next("hello")
            await client.say(type="auth", token=other)
            assert await client.closed() == 4401


async def test_a_key_that_is_new_lets_in_by_both_without_a_secret(names, scene: Scene, monkeypatch):
    monkeypatch.setattr("services.gateway.keys.verifying.TokenKeys", lambda fetch: TokenKeys(fetch, unknown_seconds=0))
    async with gateway(names, SIGNERS[0], token_secret=None) as (stage, server):
        for number, call in enumerate((by_http, by_socket)):
            new = Signer(f"new-{number}", "EdDSA")
            server.body = key_set(new)
            assert (await call(stage, new.token(scene.claims())))[0] in {200, None}
        assert (await by_http(stage, scene.by_secret()))[0] == 401
        server.status = 503
        assert (await by_http(stage, SIGNERS[0].token(scene.claims())))[0] == 401
        assert (await by_http(stage, new.token(scene.claims())))[0] == 200
        assert (await stage.runtime.health())["token_keys"] is True


async def test_it_waits_for_its_first_keys_and_says_so(names):
    async with key_server(*SIGNERS) as server:
        server.status = 503
        runtime = Runtime(service="gateway")
        settings = settings_of(names, token_jwks_url=server.url)
        serving = asyncio.create_task(serve(runtime, settings))

        async def asked_thrice() -> bool:
            return server.asked >= 3

        async def is_started() -> bool:
            return runtime.started

        async with asyncio.timeout(30):
            await until(asked_thrice, what="it asks again and again", every=0.05)
            assert "CARILLON_TOKEN_JWKS_URL" in str((await runtime.health())["token_keys"])
            assert not runtime.started
            server.status = 200
            await until(is_started, what="it serves", every=0.05)
            assert (await runtime.health())["token_keys"] is True
            runtime.stop.set()
            await serving
