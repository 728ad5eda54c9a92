"""Push deliveries and their texts, for the tests of the platforms."""

from __future__ import annotations

from typing import Any

import msgspec

from sandbox.sink.push_keys import BROWSER_AUTH, BROWSER_P256DH, FCM_SERVICE_ACCOUNT, VAPID_KEY
from services.delivery.channels.push.settings import PushSettings
from services.delivery.outbound.http import HttpAnswer
from services.delivery.rendering.links import SafeLinks
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.templates import PushTemplate
from shared.model.workflows import Workflow
from tests.support import samples as a

LINKS = SafeLinks()
SETTINGS = PushSettings(
    fcm_service_account=FCM_SERVICE_ACCOUNT,
    webpush_private_key=VAPID_KEY,
    webpush_subject="mailto:ops@example.com",
)
BROWSER = {"endpoint": "https://push.example.com/s/1", "p256dh": BROWSER_P256DH, "auth": BROWSER_AUTH}


def push(**changes: Any) -> Delivery:
    return a.delivery(**({"channel": Channel.PUSH, "address": "fcm:token-of-phone"} | changes))


def browser(**changes: Any) -> str:
    return "webpush:" + msgspec.json.encode(BROWSER | changes).decode()


def texts(title: Any = "On its way", body: Any = "Order {{ data.order }}", url: str | None = None) -> Workflow:
    return a.workflow(templates=Templates(push=PushTemplate(title=title, body=body, url=url)))


def about(text: object, **changes: Any) -> Any:
    return a.notification(data=msgspec.Raw(msgspec.json.encode({"text": text})), **changes)


def answer(status: int, body: object = None, **headers: str) -> HttpAnswer:
    return HttpAnswer(status=status, headers=headers, body=b"" if body is None else msgspec.json.encode(body))
