"""The email channel: an SMTP server, an HTTP API, or both."""

from __future__ import annotations

from typing import Final

from services.delivery.channels.channel import ChannelContext
from services.delivery.channels.email.sendgrid import SendGrid
from services.delivery.channels.email.settings import EmailSettings
from services.delivery.channels.email.smtp import EmailSender
from services.delivery.channels.http_sender import HttpSender
from services.delivery.channels.provider_list import providers_of
from services.delivery.channels.sender import Sender
from services.delivery.channels.sending import SendingChannel
from services.delivery.outbound.http import HttpClient
from services.delivery.rendering.links import SafeLinks

SETTINGS: Final = EmailSettings


def open_channel(context: ChannelContext) -> SendingChannel:
    """Connects with the first send."""
    settings = context.section(SETTINGS)
    links = SafeLinks(context.settings.link_schemes)

    def smtp() -> Sender:
        return EmailSender(settings, links, context.tenants)

    def sendgrid() -> Sender:
        client = HttpClient(timeout_seconds=settings.sendgrid_timeout_seconds)
        return HttpSender(SendGrid(settings, links), client, context.tenants)

    makers = {"smtp": smtp, "sendgrid": sendgrid}
    return SendingChannel(context, providers_of(context, settings.candidates, makers))
