"""The push channel: a provider for each platform of devices."""

from __future__ import annotations

from typing import Final

from services.delivery.channels.channel import ChannelContext
from services.delivery.channels.push.accounts import PlatformAccounts, push_service_of
from services.delivery.channels.push.apns import apns_sender
from services.delivery.channels.push.fcm import fcm_sender
from services.delivery.channels.push.settings import PushSettings
from services.delivery.channels.push.webpush import webpush_sender
from services.delivery.channels.sender import Sender
from services.delivery.channels.sending import SendingChannel
from services.delivery.rendering.links import SafeLinks
from shared.model.devices import Platform

SETTINGS: Final = PushSettings


def open_channel(context: ChannelContext) -> SendingChannel:
    """Connects with the first send."""
    settings = context.section(SETTINGS)
    links = SafeLinks(context.settings.link_schemes)
    senders: dict[Platform, Sender] = {}
    if settings.has(Platform.FCM):
        senders[Platform.FCM] = fcm_sender(settings, context.tenants, links)
    if settings.has(Platform.APNS):
        senders[Platform.APNS] = apns_sender(settings, context.tenants, links)
    if settings.has(Platform.WEBPUSH):
        senders[Platform.WEBPUSH] = webpush_sender(settings, context.tenants, links)
    return SendingChannel(context, PlatformAccounts(context.channel, senders), host_of=push_service_of)
