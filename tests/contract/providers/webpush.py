"""A push service of browsers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Self

import msgspec

from sandbox.sink.push_keys import BROWSER_AUTH, BROWSER_P256DH, VAPID_KEY
from services.delivery.channels.http_sender import HttpSender
from services.delivery.channels.push.settings import PushSettings
from services.delivery.channels.push.webpush import WebPush, webpush_sender
from services.delivery.core.attempts import Failed, Rejected
from services.delivery.rendering.links import SafeLinks
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.devices import WebPushSubscription
from shared.model.templates import PushTemplate
from tests.contract.providers.case import TIMEOUT_SECONDS, ApiCase

SETTINGS = PushSettings(
    webpush_private_key=VAPID_KEY,
    webpush_subject="mailto:carillon@example.com",
    webpush_allow="127.0.0.0/8",
    push_timeout_seconds=TIMEOUT_SECONDS,
)


def address(url: str, number: int) -> str:
    """Of the sink's browser, by the numberth subscription."""
    endpoint = f"{url}/webpush/subscription-{number:03}"
    found = WebPushSubscription(endpoint=endpoint, p256dh=BROWSER_P256DH, auth=BROWSER_AUTH)
    return f"webpush:{msgspec.json.encode(found).decode()}"


@dataclass(frozen=True, kw_only=True)
class WebPushCase(ApiCase):
    """Where it is, each subscription says."""

    url: str = "http://127.0.0.1:1"

    def sender(self, url: str) -> HttpSender:
        return webpush_sender(SETTINGS, None, SafeLinks())

    def at(self, url: str) -> Self:
        return replace(self, url=url, address=partial(address, url))

    def named(self, number: int) -> str:
        return f"{self.url}/webpush/subscription-{number:03}"


WEBPUSH = WebPushCase(
    name="webpush",
    channel=Channel.PUSH,
    templates=Templates(push=PushTemplate(title="On its way", body="Order {{ data.order }} is on its way")),
    make=lambda url: WebPush(SETTINGS, SafeLinks()),
    address=partial(address, "http://127.0.0.1:1"),
    delivery_id=lambda message: str(message["envelope"]["delivery"]),
    permanent={"mode": "status", "status": 410},
    # A user says where it is: what it answers him holds up nobody else.
    outcomes={"redirects": Rejected, "wants our credentials": Failed},
)
