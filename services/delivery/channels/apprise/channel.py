"""The apprise channel: whatever Apprise knows, at targets that the operator has named."""

from __future__ import annotations

from typing import Final

from services.delivery.accounts import OwnEndpoints
from services.delivery.channels.apprise.calls import Notify
from services.delivery.channels.apprise.sender import AppriseSender
from services.delivery.channels.apprise.settings import AppriseSettings
from services.delivery.channels.channel import ChannelContext
from services.delivery.channels.not_configured import NotConfigured
from services.delivery.channels.own_endpoint import endpoint_of
from services.delivery.channels.sender import Sender
from services.delivery.channels.sending import SendingChannel
from shared.model.deliveries import Delivery

SETTINGS: Final = AppriseSettings


def open_channel(context: ChannelContext) -> SendingChannel:
    """Connects with the first send. A target that does not answer pauses its own account, and no other.

    Each is an account also while none is named: so what waits is found again under the same id when there are some.
    """
    accounts = OwnEndpoints(sender_of(context), endpoint_of)
    return SendingChannel(context, accounts, host_of=target_of)


def sender_of(context: ChannelContext) -> Sender:
    """Imports apprise only where there are targets."""
    settings = context.section(SETTINGS)
    if not settings.targets:
        return NotConfigured()
    from services.delivery.channels.apprise.library import open_service  # noqa: PLC0415  # an extra

    def opened(url: str) -> Notify:
        found = open_service(url, settings.apprise_timeout_seconds)
        if found is None:
            raise ValueError("a target that the settings took is none any more")
        return found

    return AppriseSender(
        settings.targets, opened, timeout_seconds=settings.apprise_timeout_seconds, tenants=context.tenants
    )


def target_of(delivery: Delivery) -> str:
    """What a lane counts as one host."""
    return delivery.address
