"""Incoming webhooks as Slack has them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from services.delivery.channels.chat.settings import ChatSettings
from services.delivery.channels.chat.slack import SlackWebhook, slack_sender
from services.delivery.channels.http_sender import HttpSender
from services.delivery.core.attempts import Failed
from services.delivery.rendering.links import SafeLinks
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.templates import ChatTemplate
from tests.contract.providers.case import TIMEOUT_SECONDS, ApiCase

SETTINGS = ChatSettings(chat_allow="127.0.0.0/8", chat_timeout_seconds=TIMEOUT_SECONDS)


@dataclass(frozen=True, kw_only=True)
class SlackCase(ApiCase):
    """Where it is, each recipient's URL says."""

    def sender(self, url: str) -> HttpSender:
        return slack_sender(SETTINGS, SafeLinks())

    def at(self, url: str) -> Self:
        return replace(self, address=lambda number: f"{url}/slack/services/{self.named(number)}")

    def named(self, number: int) -> str:
        return f"delivery-{number}"


SLACK = SlackCase(
    name="slack",
    channel=Channel.CHAT,
    templates=Templates(
        chat=ChatTemplate(
            text="Order {{ data.order }} is on its way", title="Shipped", url="https://shop.example/a?b&c"
        )
    ),
    make=lambda _: SlackWebhook(SafeLinks()),
    address=lambda number: f"http://127.0.0.1:1/slack/services/delivery-{number}",
    delivery_id=lambda message: str(message["to"][0]),
    permanent={"mode": "status", "status": 403, "code": "action_prohibited"},
    # A recipient's own: what it answers costs its own attempts, and pauses nobody else.
    outcomes={
        "redirects": Failed,
        "wants our credentials": Failed,
        **{
            f"throttles, Retry-After: {wait}": Failed
            for wait in ("3", "0", "-1", "1000000000000", "soon", "Wed, 21 Oct 2099 07:28:00 GMT", "Sun, 99 Nov 9999")
        },
    },
)
