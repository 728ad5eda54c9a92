"""WhatsApp and Telegram over the sink: what they refuse by themselves, a chat that moved, and a token that nobody sees."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from math import inf
from typing import Any

import aiohttp
import msgspec
import orjson
import pytest
from structlog.testing import capture_logs

from sandbox.sink.accounts import TELEGRAM_TOKEN
from sandbox.sink.providers.telegram import SUPERGROUP, UPGRADED
from services.delivery.channels.http_sender import HttpSender
from services.delivery.channels.telegram.bot_api import TelegramBotApi
from services.delivery.channels.telegram.settings import TelegramSettings
from services.delivery.channels.whatsapp.meta import MetaCloudApi
from services.delivery.channels.whatsapp.settings import WhatsAppSettings
from services.delivery.core.attempts import LeaseTooShort, ProviderUnavailable, Rejected, Sent
from services.delivery.outbound.http import HttpClient
from shared.model.channel_templates import Templates
from shared.model.reasons import Reason
from shared.model.templates import TelegramTemplate, WhatsAppTemplate
from tests.contract.providers.meta import META
from tests.contract.providers.telegram import TELEGRAM
from tests.contract.sinks import Sink
from tests.support import samples as a

pytestmark = pytest.mark.real


@pytest.fixture
async def healthy(sink: Sink) -> AsyncIterator[Sink]:
    await sink.call("DELETE", "/messages")
    await sink.call("DELETE", "/faults")
    yield sink
    await sink.call("DELETE", "/faults")


@pytest.fixture
async def telegram(healthy: Sink) -> AsyncIterator[HttpSender]:
    sender = TELEGRAM.sender(f"http://127.0.0.1:{healthy.http}")
    yield sender
    await sender.close()


async def test_a_group_that_became_a_supergroup_gets_it_in_the_same_attempt(
    healthy: Sink, telegram: HttpSender
) -> None:
    old = "-100001"
    fault = {"mode": "status", "status": 400, "code": UPGRADED, "only": old}
    await healthy.call("PUT", "/faults", json={"providers": {"telegram": fault}})
    assert isinstance(await telegram.send(TELEGRAM.delivery(1, address=old), TELEGRAM.workflow(), inf), Sent)
    found = (await healthy.call("GET", "/messages"))["messages"]
    assert [message["to"] for message in found] == [[str(SUPERGROUP)]]
    assert found[0]["html"] == "Order <b>A7</b> is on its way"


async def test_one_that_moves_again_and_again_is_left(healthy: Sink, telegram: HttpSender) -> None:
    fault = {"mode": "status", "status": 400, "code": UPGRADED}
    await healthy.call("PUT", "/faults", json={"providers": {"telegram": fault}})
    outcome = await telegram.send(TELEGRAM.delivery(1), TELEGRAM.workflow(), inf)
    assert outcome == Rejected(reason=Reason.DEAD_ADDRESS, code="chat_migrated")
    assert (await healthy.call("GET", "/faults"))["providers"]["telegram"]["hits"] == 2


async def test_a_chat_that_moved_too_late_is_not_written_to() -> None:
    bodies: list[bytes] = []
    moved = orjson.dumps({"ok": False, "error_code": 400, "parameters": {"migrate_to_chat_id": SUPERGROUP}})

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        bodies.append(await reader.readexactly(length))
        await asyncio.sleep(0.3)
        writer.write(
            b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(moved) + moved
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        sender = TELEGRAM.sender(url)
        outcome = await sender.send(TELEGRAM.delivery(1), TELEGRAM.workflow(), time.monotonic() + 0.2)
        await sender.close()
    assert isinstance(outcome, LeaseTooShort)
    assert len(bodies) == 1


async def test_what_the_bot_api_asks_for_in_json_is_heard(healthy: Sink, telegram: HttpSender) -> None:
    fault = {"mode": "status", "status": 429, "retry_after": 35}
    await healthy.call("PUT", "/faults", json={"providers": {"telegram": fault}})
    outcome = await telegram.send(TELEGRAM.delivery(1), TELEGRAM.workflow(), inf)
    assert isinstance(outcome, ProviderUnavailable)
    assert (outcome.code, outcome.retry_after_ms) == ("429", 35_000)


async def test_the_token_is_in_no_outcome_and_no_log(
    healthy: Sink, telegram: HttpSender, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[Any] = []
    nowhere = TELEGRAM.sender("http://127.0.0.1:9")  # nobody listens
    wrong = HttpSender(
        TelegramBotApi(TelegramSettings(telegram_url="http://[", telegram_token=TELEGRAM_TOKEN)),
        HttpClient(timeout_seconds=1),
    )
    faults = [
        "down",
        "hang",
        "garbage",
        {"status": 404},
        {"status": 302},
        {"status": 400, "code": "a"},
        {"status": 500},
    ]
    with capture_logs() as logged:
        for fault in faults:
            plan = {"mode": fault} if isinstance(fault, str) else {"mode": "status", **fault}
            await healthy.call("PUT", "/faults", json={"providers": {"telegram": plan}})
            told.append(await telegram.send(TELEGRAM.delivery(1), TELEGRAM.workflow(), inf))
        for sender in (nowhere, wrong):
            told.append(await sender.send(TELEGRAM.delivery(1), TELEGRAM.workflow(), inf))
            await sender.close()
    assert told[-1] == Rejected(code="invalid_url")
    secret = TELEGRAM_TOKEN.partition(":")[2]
    assert secret not in f"{told} {logged} {caplog.text}"


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"whatsapp_access_token": "another"}, ("190", ProviderUnavailable)),
        ({"whatsapp_phone_number_id": "7"}, ("100", ProviderUnavailable)),
    ],
)
async def test_meta_knows_whose_number_it_is(healthy: Sink, changes: dict[str, str], outcome: Any) -> None:
    known = {
        "whatsapp_url": f"http://127.0.0.1:{healthy.http}/meta",
        "whatsapp_phone_number_id": "100000000000001",
        "whatsapp_access_token": "whatsapp-token-of-the-sink",
    }
    sender = HttpSender(MetaCloudApi(WhatsAppSettings(**(known | changes))), HttpClient(timeout_seconds=2))
    found = await sender.send(META.delivery(1), META.workflow(), inf)
    await sender.close()
    assert (getattr(found, "code", None), type(found)) == outcome


async def test_a_bot_that_is_none_is_our_fault(healthy: Sink) -> None:
    settings = TelegramSettings(telegram_url=f"http://127.0.0.1:{healthy.http}/telegram", telegram_token="1:another")
    sender = HttpSender(TelegramBotApi(settings), HttpClient(timeout_seconds=2))
    found = await sender.send(TELEGRAM.delivery(1), TELEGRAM.workflow(), inf)
    await sender.close()
    assert isinstance(found, ProviderUnavailable)
    assert found.code == "401"


async def test_a_session_message_and_what_stands_in_places_read_as_they_were_meant(healthy: Sink) -> None:
    sender = META.sender(f"http://127.0.0.1:{healthy.http}")
    data = msgspec.Raw(orjson.dumps({"order": "A\n7\t\t      8"}))
    texts = [
        WhatsAppTemplate(text="Order {{ data.order }}"),
        WhatsAppTemplate(template="shipped", language="en", parameters=("{{ data.order }}",), url_parameter="x"),
    ]
    for number, text in enumerate(texts):
        delivery = META.delivery(number, notification=a.notification(data=data))
        assert isinstance(await sender.send(delivery, a.workflow(templates=Templates(whatsapp=text)), inf), Sent)
    await sender.close()
    found = (await healthy.call("GET", "/messages?kind=whatsapp"))["messages"]
    assert [message["text"] for message in found] == ["Order A\n7\t\t      8", "shipped | en | A 7 8 | x"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"text": "Hi"}, "chat_id is empty"),
        ({"chat_id": 1, "text": " "}, "message text is empty"),
        ({"chat_id": 1, "text": "a" * 4097}, "message is too long"),
        ({"chat_id": 1, "text": "1 < 2", "parse_mode": "HTML"}, "can't parse entities"),
    ],
)
async def test_the_fake_bot_api_refuses_what_the_real_one_does(healthy: Sink, body: dict[str, Any], says: str) -> None:
    url = f"http://127.0.0.1:{healthy.http}/telegram/bot{TELEGRAM_TOKEN}/sendMessage"
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
        found = await response.json()
    assert (found["ok"], found["error_code"]) == (False, 400)
    assert says in found["description"]


async def test_a_channel_by_name_gets_a_plain_text(healthy: Sink, telegram: HttpSender) -> None:
    flow = a.workflow(templates=Templates(telegram=TelegramTemplate(text="1 < 2 & {{ data.order }}")))
    assert isinstance(await telegram.send(TELEGRAM.delivery(1, address="@shop_news"), flow, inf), Sent)
    (found,) = (await healthy.call("GET", "/messages?kind=telegram&to=@shop_news"))["messages"]
    assert (found["text"], found["html"]) == ("1 < 2 & A7", None)
