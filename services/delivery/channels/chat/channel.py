"""The chat channel: incoming webhooks as Slack has them, each of a place of its own."""

from __future__ import annotations

from typing import Final

from services.delivery.accounts import OwnEndpoints
from services.delivery.channels.channel import ChannelContext
from services.delivery.channels.chat.settings import ChatSettings
from services.delivery.channels.chat.slack import slack_sender
from services.delivery.channels.own_endpoint import endpoint_of, host_of
from services.delivery.channels.sending import SendingChannel
from services.delivery.rendering.links import SafeLinks

SETTINGS: Final = ChatSettings
DAY_SECONDS: Final = 86_400


def open_channel(context: ChannelContext) -> SendingChannel:
    """Connects with the first send. A webhook that was removed pauses its own account, and no other."""
    settings = context.section(SETTINGS)
    links = SafeLinks(context.settings.link_schemes)
    return SendingChannel(
        context,
        OwnEndpoints(slack_sender(settings, links, context.tenants), endpoint_of),
        host_of=host_of,
        disable_after_seconds=settings.chat_disable_after_days * DAY_SECONDS,
    )
