"""The webhook channel: the recipients' own endpoints."""

from __future__ import annotations

from typing import Final

from services.delivery.channels.channel import ChannelContext
from services.delivery.channels.sending import SendingChannel
from services.delivery.channels.webhook.http import WebhookSender
from services.delivery.channels.webhook.settings import WebhookSettings
from shared.model.deliveries import Delivery
from shared.model.ids import endpoint_id

SETTINGS: Final = WebhookSettings
DAY_SECONDS: Final = 86_400


def open_channel(context: ChannelContext) -> SendingChannel:
    """Connects with the first send."""
    settings = context.section(SETTINGS)
    return SendingChannel(
        context,
        WebhookSender(settings),
        account_of=_endpoint,
        disable_after_seconds=settings.webhook_disable_after_days * DAY_SECONDS,
    )


def _endpoint(delivery: Delivery) -> str:
    return endpoint_id(delivery.notification.tenant, delivery.address)
