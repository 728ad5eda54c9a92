"""The SMS channel."""

from __future__ import annotations

from typing import Final

from services.delivery.channels.channel import ChannelContext
from services.delivery.channels.http_sender import HttpProvider, HttpSender
from services.delivery.channels.provider_list import providers_of
from services.delivery.channels.sending import SendingChannel
from services.delivery.channels.sms.settings import SmsSettings
from services.delivery.channels.sms.twilio import Twilio
from services.delivery.channels.sms.vonage import Vonage
from services.delivery.outbound.http import HttpClient

SETTINGS: Final = SmsSettings


def open_channel(context: ChannelContext) -> SendingChannel:
    """Connects with the first send."""
    settings = context.section(SETTINGS)

    def sender(provider: HttpProvider) -> HttpSender:
        return HttpSender(provider, HttpClient(timeout_seconds=settings.sms_timeout_seconds), context.tenants)

    makers = {"twilio": lambda: sender(Twilio(settings)), "vonage": lambda: sender(Vonage(settings))}
    return SendingChannel(context, providers_of(context, settings.candidates, makers))
