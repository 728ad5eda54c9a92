"""Ingest that providers call back, and what the sink's providers call it with."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import orjson
from fastapi import FastAPI
from prometheus_client import REGISTRY

from sandbox.sink.accounts import callback_keys, provider_settings
from sandbox.sink.callbacks import CALLBACKS
from sandbox.sink.callbacks.caller import CallbackOrder, OutgoingCall
from sandbox.sink.messages import Message, MessageKind
from services.delivery.channels.email.sendgrid import SendGrid
from services.delivery.channels.email.settings import EmailSettings
from services.delivery.channels.sms.settings import SmsSettings
from services.delivery.channels.sms.twilio import CALL_AGAIN, Twilio
from services.delivery.channels.sms.vonage import Vonage
from services.delivery.channels.whatsapp.meta import MetaCloudApi
from services.delivery.channels.whatsapp.settings import WhatsAppSettings
from services.delivery.outbound.http import HttpRequest
from services.ingest.app import create_app
from services.ingest.settings import IngestSettings
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.deliveries import Delivery, DeliveryResult, DeliveryState
from shared.model.templates import EmailTemplate, SmsTemplate, WhatsAppTemplate
from shared.model.topics import Topics
from shared.mongo.database import Database
from shared.mongo.ledger import Ledger
from tests.support import samples as a
from tests.support.asgi import AsgiAnswer, ask_app
from tests.support.twins.publisher import MemoryPublisher

URL = "https://in.example.com/carillon"
OURS = {"callback_url": URL, "callback_secret": "secret-of-the-callbacks-of-tests"}
WORKFLOW = a.workflow(
    templates=Templates(
        sms=SmsTemplate(text="on its way"),
        email=EmailTemplate(subject="Order", text="on its way"),
        whatsapp=WhatsAppTemplate(text="on its way"),
    )
)


def fields(variables: dict[str, str]) -> dict[str, Any]:
    return {name.removeprefix("CARILLON_").lower(): value for name, value in variables.items()}


ACCOUNTS = OURS | fields(provider_settings("http://127.0.0.1:1"))
SMS, EMAIL, WHATSAPP = SmsSettings(**ACCOUNTS), EmailSettings(**ACCOUNTS), WhatsAppSettings(**ACCOUNTS)


def delivery(provider: str, **changes: Any) -> Delivery:
    address, channel = ("+4915112345678", Channel.SMS)
    if provider == "sendgrid":
        address, channel = ("ada@example.com", Channel.EMAIL)
    if provider == "meta":
        channel = Channel.WHATSAPP
    return a.delivery(**({"id": f"by-{provider}", "address": address, "channel": channel} | changes))


async def message(provider: str, **changes: Any) -> Message:
    """What the provider got of the delivery."""
    about = delivery(provider, **changes)
    kept = {"n": 7, "to": [about.address], "at_ms": 1, "headers": [], "kind": MessageKind.SMS}
    sender = {
        "twilio": Twilio(SMS),
        "vonage": Vonage(SMS),
        "sendgrid": SendGrid(EMAIL),
        "meta": MetaCloudApi(WHATSAPP),
    }[provider]
    request = await sender.request(about, WORKFLOW, None)
    assert isinstance(request, HttpRequest)
    if provider == "twilio":
        envelope: dict[str, Any] = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        assert envelope["StatusCallback"].endswith(CALL_AGAIN)
    else:
        envelope = orjson.loads(request.body)
    return Message(**kept, envelope=envelope, body=request.body.decode())


async def callback(provider: str, status: str, code: str | None = None, **changes: Any) -> OutgoingCall:
    told = CallbackOrder(message=7, status=status, code=code)
    made = CALLBACKS[provider].call(await message(provider, **changes), told, URL)
    assert made is not None
    return made


class Api:
    """Ingest behind a proxy that takes a part off the path, and rows of deliveries that were sent."""

    def __init__(self, database: Database, **changes: Any) -> None:
        self.log, self.database = MemoryPublisher(), database
        no_catalog: Any = SimpleNamespace(newest=None)
        kafka: Any = self.log
        settings = fields(callback_keys()) | OURS | {"webhook_secret": "master-secret-of-webhooks"} | changes
        self.app: FastAPI = create_app(
            IngestSettings(**settings), database=database, catalog=no_catalog, kafka=kafka, outbox=kafka
        )

    async def sent(self, provider: str, **changes: Any) -> None:
        about = delivery(provider, **changes)
        ledger = Ledger(self.database, token="worker")
        await ledger.claim([msgspec.structs.replace(a.received(), delivery=about)])
        await ledger.record([(about, DeliveryResult(state=DeliveryState.SENT, at=1, attempts=1))])

    async def call(
        self, made: OutgoingCall, method: str = "POST", *, arrives: asyncio.Event | None = None
    ) -> AsgiAnswer:
        parts = urlsplit(made.url)
        target = parts.path.removeprefix("/carillon") + (f"?{parts.query}" if parts.query else "")
        return await ask_app(self.app, method, target, headers=made.headers, body=made.body, arrives=arrives)

    async def receipt(self, provider: str) -> dict[str, Any] | None:
        row = await self.database.deliveries.find_one({"_id": f"by-{provider}"})
        return None if row is None else row.get("receipt")

    def statuses(self) -> list[tuple[str, dict[str, Any]]]:
        found = self.log.on(Topics().statuses)
        return [((dict(one.headers)["ce_type"] or b"").decode(), orjson.loads(one.value or b"")) for one in found]


def counted(provider: str, result: str) -> float:
    labels = {"provider": provider, "result": result}
    return REGISTRY.get_sample_value("carillon_callbacks_total", labels) or 0.0
