"""The Telegram channel."""

from __future__ import annotations

from typing import Final

from services.delivery.channels.channel import ChannelContext
from services.delivery.channels.http_sender import HttpSender
from services.delivery.channels.provider_list import providers_of
from services.delivery.channels.sending import SendingChannel
from services.delivery.channels.telegram.bot_api import TelegramBotApi
from services.delivery.channels.telegram.settings import TelegramSettings
from services.delivery.outbound.http import HttpClient
from services.delivery.rendering.links import SafeLinks

SETTINGS: Final = TelegramSettings


def open_channel(context: ChannelContext) -> SendingChannel:
    """Connects with the first send."""
    settings = context.section(SETTINGS)
    links = SafeLinks(context.settings.link_schemes)

    def bot() -> HttpSender:
        client = HttpClient(timeout_seconds=settings.telegram_timeout_seconds)
        return HttpSender(TelegramBotApi(settings, links), client, context.tenants)

    return SendingChannel(context, providers_of(context, settings.candidates, {"telegram": bot}))
