"""The email channel: one SMTP server."""

from __future__ import annotations

from typing import Final

from services.delivery.accounts import Providers
from services.delivery.channels.channel import ChannelContext
from services.delivery.channels.email.settings import EmailSettings
from services.delivery.channels.email.smtp import EmailSender
from services.delivery.channels.sending import SendingChannel
from services.delivery.rendering.links import SafeLinks

SETTINGS: Final = EmailSettings


def open_channel(context: ChannelContext) -> SendingChannel:
    """Connects with the first send."""
    links = SafeLinks(context.settings.link_schemes)
    sender = EmailSender(context.section(SETTINGS), links, context.tenants)
    return SendingChannel(context, Providers(context.channel, {"smtp": sender}))
