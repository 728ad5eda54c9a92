"""The webhook channel: the recipients' own endpoints."""

from __future__ import annotations

from typing import Final

from services.delivery.accounts import OwnEndpoints
from services.delivery.channels.channel import ChannelContext
from services.delivery.channels.own_endpoint import endpoint_of, host_of
from services.delivery.channels.sending import SendingChannel
from services.delivery.channels.webhook.http import WebhookSender
from services.delivery.channels.webhook.settings import WebhookSettings

SETTINGS: Final = WebhookSettings
DAY_SECONDS: Final = 86_400


def open_channel(context: ChannelContext) -> SendingChannel:
    """Connects with the first send."""
    settings = context.section(SETTINGS)
    return SendingChannel(
        context,
        OwnEndpoints(WebhookSender(settings), endpoint_of),
        host_of=host_of,
        retry_seconds=settings.webhook_retry_seconds,
        disable_after_seconds=settings.webhook_disable_after_days * DAY_SECONDS,
    )
