"""Google's access tokens, from a real server: one request for all, anew before the end, and no exception ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from math import inf
from typing import Any

import pytest
from aiohttp import web

from sandbox.sink.push_keys import FCM_SERVICE_ACCOUNT
from services.delivery.channels.push.access_tokens import AccessTokens
from services.delivery.channels.push.credentials import parse_service_account
from services.delivery.channels.push.fcm import fcm_sender
from services.delivery.channels.push.settings import PushSettings
from services.delivery.core.attempts import AttemptFault, ProviderUnavailable
from services.delivery.outbound.http import HttpClient
from services.delivery.rendering.links import SafeLinks
from shared.process.clock import now_ms
from tests.contract.sinks import Sink
from tests.unit.delivery.push.texts import push, texts

pytestmark = pytest.mark.real
ACCOUNT = parse_service_account(FCM_SERVICE_ACCOUNT)


class Google:
    """Answers what it is told; counts."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer: Any = {"access_token": "first", "expires_in": 3599}
        self.status = 200
        self.headers: dict[str, str] = {}

        self.refusal: Any = {}
        self.refused = 0

    async def refuse(self, _: web.Request) -> web.Response:
        self.refused += 1
        return web.json_response(self.refusal, status=401)

    async def token(self, request: web.Request) -> web.Response:
        self.asked += 1
        await asyncio.sleep(0.05)
        return web.json_response(self.answer, status=self.status, headers=self.headers)


@pytest.fixture
async def google() -> AsyncIterator[tuple[Google, AccessTokens]]:
    told = Google()
    app = web.Application()
    app.add_routes([web.post("/token", told.token), web.post("/v1/projects/{project}/messages:send", told.refuse)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    client = HttpClient(timeout_seconds=1)
    yield told, AccessTokens(ACCOUNT, f"http://127.0.0.1:{port}/token", client, timeout_seconds=1)
    await client.close()
    await runner.cleanup()


async def test_many_that_need_one_ask_once(google: tuple[Google, AccessTokens]) -> None:
    told, tokens = google
    assert set(await asyncio.gather(*(tokens.get() for _ in range(50)))) == {"first"}
    assert await tokens.get() == "first"
    assert told.asked == 1


async def test_who_gives_up_takes_it_from_nobody(google: tuple[Google, AccessTokens]) -> None:
    told, tokens = google
    hasty, patient = asyncio.create_task(tokens.get()), asyncio.create_task(tokens.get())
    await asyncio.sleep(0.01)
    hasty.cancel()
    assert await patient == "first"
    assert told.asked == 1


async def test_it_is_had_anew_before_its_end_and_when_it_was_refused(
    google: tuple[Google, AccessTokens], monkeypatch: pytest.MonkeyPatch
) -> None:
    told, tokens = google
    assert await tokens.get() == "first"
    told.answer = {"access_token": "second", "expires_in": 3599}
    later = now_ms() + 3_299_500
    monkeypatch.setattr("services.delivery.channels.push.access_tokens.now_ms", lambda: later)
    assert await tokens.get() == "second"
    told.answer = {"access_token": "third", "expires_in": 3599}
    tokens.forget("second")
    assert await tokens.get() == "third"


@pytest.mark.parametrize(
    ("status", "answer", "outcome"),
    [
        (400, {"error": "invalid_grant"}, ProviderUnavailable(code="token:400", fault=AttemptFault.ACCOUNT)),
        (503, {}, ProviderUnavailable(code="token:503", fault=AttemptFault.PROVIDER)),
        (200, {}, ProviderUnavailable(code="token:200", fault=AttemptFault.ACCOUNT)),
        (200, {"access_token": 7}, ProviderUnavailable(code="token:200", fault=AttemptFault.ACCOUNT)),
        (200, {"access_token": "a\r\nb: c"}, ProviderUnavailable(code="token:200", fault=AttemptFault.ACCOUNT)),
        (200, {"access_token": "a" * 9000}, ProviderUnavailable(code="token:200", fault=AttemptFault.ACCOUNT)),
        (200, [], ProviderUnavailable(code="token:200", fault=AttemptFault.ACCOUNT)),
    ],
)
async def test_what_is_no_token_is_a_provider_that_is_unavailable(
    google: tuple[Google, AccessTokens], status: int, answer: Any, outcome: ProviderUnavailable
) -> None:
    told, tokens = google
    told.status, told.answer = status, answer
    assert await tokens.get() == outcome
    told.status, told.answer = 200, {"access_token": "good", "expires_in": "soon"}
    assert await tokens.get() == "good", "the next one asks again"


async def test_how_long_it_wants_to_be_left_alone_is_told(google: tuple[Google, AccessTokens]) -> None:
    told, tokens = google
    told.status, told.headers = 429, {"Retry-After": "30"}
    found = await tokens.get()
    assert isinstance(found, ProviderUnavailable)
    assert found.retry_after_ms == 30_000


async def test_a_server_that_is_not_there_is_a_provider_that_is_unavailable() -> None:
    client = HttpClient(timeout_seconds=1)
    tokens = AccessTokens(ACCOUNT, "http://127.0.0.1:1/token", client, timeout_seconds=1)
    assert await tokens.get() == ProviderUnavailable(code="token:unreachable", fault=AttemptFault.CONNECTION)
    await client.close()


async def test_the_sink_checks_who_asks(sink: Sink) -> None:
    await sink.call("DELETE", "/faults")
    client = HttpClient(timeout_seconds=2)
    url = f"http://127.0.0.1:{sink.http}/fcm/token"
    assert await AccessTokens(ACCOUNT, url, client, timeout_seconds=2).get() == "ya29.of-the-sink"
    wrong = ACCOUNT._replace(email="somebody@example.com")
    found = await AccessTokens(wrong, url, client, timeout_seconds=2).get()
    assert found == ProviderUnavailable(code="token:400", fault=AttemptFault.ACCOUNT)
    await client.close()


async def test_a_refusal_of_an_earlier_token_does_not_forget_the_one_that_is_known(
    google: tuple[Google, AccessTokens],
) -> None:
    told, tokens = google
    assert await tokens.get() == "first"
    tokens.forget("one before")
    assert await tokens.get() == "first"
    assert told.asked == 1


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ({"status": "UNAUTHENTICATED", "details": [{"errorCode": "THIRD_PARTY_AUTH_ERROR"}]}, 1),
        ({"status": "UNAUTHENTICATED"}, 3),
    ],
)
async def test_only_a_token_that_was_refused_itself_is_had_anew(
    google: tuple[Google, AccessTokens], said: dict[str, Any], asked: int
) -> None:
    told, tokens = google
    told.refusal = {"error": said}
    url = tokens._url.removesuffix("/token")
    settings = PushSettings(fcm_service_account=FCM_SERVICE_ACCOUNT, fcm_token_url=tokens._url, fcm_url=url)
    sender = fcm_sender(settings, None, SafeLinks())
    for _ in range(3):
        await sender.send(push(), texts(), inf)
    await sender.close()
    assert (told.refused, told.asked) == (3, asked)


async def test_what_is_only_made_as_a_test_asks_for_none(google: tuple[Google, AccessTokens]) -> None:
    told, tokens = google
    settings = PushSettings(fcm_service_account=FCM_SERVICE_ACCOUNT, fcm_token_url=tokens._url)
    sender = fcm_sender(settings, None, SafeLinks())
    await sender.prepare(push(), texts())
    await sender.close()
    assert told.asked == 0
