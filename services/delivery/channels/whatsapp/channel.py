"""The WhatsApp channel."""

from __future__ import annotations

from typing import Final

from services.delivery.channels.channel import ChannelContext
from services.delivery.channels.http_sender import HttpSender
from services.delivery.channels.provider_list import providers_of
from services.delivery.channels.sending import SendingChannel
from services.delivery.channels.whatsapp.meta import MetaCloudApi
from services.delivery.channels.whatsapp.settings import WhatsAppSettings
from services.delivery.outbound.http import HttpClient

SETTINGS: Final = WhatsAppSettings


def open_channel(context: ChannelContext) -> SendingChannel:
    """Connects with the first send."""
    settings = context.section(SETTINGS)

    def meta() -> HttpSender:
        client = HttpClient(timeout_seconds=settings.whatsapp_timeout_seconds)
        return HttpSender(MetaCloudApi(settings), client, context.tenants)

    return SendingChannel(context, providers_of(context, settings.candidates, {"meta": meta}))
