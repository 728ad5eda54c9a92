"""The email channel: one SMTP server."""

from __future__ import annotations

from typing import Final

from services.delivery.channels.channel import ChannelContext
from services.delivery.channels.email.settings import EmailSettings
from services.delivery.channels.email.smtp import EmailSender
from services.delivery.channels.sending import SendingChannel
from services.delivery.rendering.links import SafeLinks

SETTINGS: Final = EmailSettings


def open_channel(context: ChannelContext) -> SendingChannel:
    """Connects with the first send."""
    links = SafeLinks(context.settings.link_schemes)
    return SendingChannel(context, EmailSender(context.section(SETTINGS), links, context.tenants))
