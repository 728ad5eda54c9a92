"""The webhook channel: the recipients' own endpoints."""

from __future__ import annotations

from typing import Final

from services.delivery.channels.channel import ChannelContext
from services.delivery.channels.sending import SendingChannel
from services.delivery.channels.webhook.http import WebhookSender
from services.delivery.channels.webhook.settings import WebhookSettings

SETTINGS: Final = WebhookSettings


def open_channel(context: ChannelContext) -> SendingChannel:
    """Connects with the first send."""
    return SendingChannel(context, WebhookSender(context.section(SETTINGS)))
