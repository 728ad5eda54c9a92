"""The push channel: a provider for each platform of devices."""

from __future__ import annotations

from services.delivery.channels.channel import ChannelContext
from services.delivery.channels.push.accounts import PlatformAccounts
from services.delivery.channels.sending import SendingChannel


def open_channel(context: ChannelContext) -> SendingChannel:
    """Connects with the first send."""
    return SendingChannel(context, PlatformAccounts(context.channel, {}))
