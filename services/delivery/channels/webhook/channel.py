"""The webhook channel: the recipients' own endpoints."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from services.delivery.accounts import OwnEndpoints
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
        OwnEndpoints(WebhookSender(settings), _endpoint),
        host_of=host_of,
        retry_seconds=settings.webhook_retry_seconds,
        disable_after_seconds=settings.webhook_disable_after_days * DAY_SECONDS,
    )


def host_of(delivery: Delivery) -> str | None:
    """The host and port of its URL; None when that is none, as its send will say."""
    try:
        return urlsplit(delivery.address).netloc.lower() or None
    except ValueError:
        return None


def _endpoint(delivery: Delivery) -> str:
    return endpoint_id(delivery.notification.tenant, delivery.address)
