"""Who carries a push message: our account with the device's platform, or the push service that a browser names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec

from services.delivery.accounts import Account, ReadParked
from services.delivery.channels.not_configured import NotConfigured
from services.delivery.channels.sender import Sender
from shared.model import ids
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.devices import Platform, platform_of, subscription_of

_NOBODY: Final = "none"


class PlatformAccounts:
    """An account for each platform; what is for one that is not set up waits, and the others do not notice.

    Web Push has one for each push service: whoever names a host that is down, or makes it so, holds up only himself.
    """

    def __init__(self, channel: Channel, senders: Mapping[Platform, Sender]) -> None:
        self._accounts = {
            platform: Account(f"{channel}/{platform}", senders.get(platform) or NotConfigured())
            for platform in Platform
        }
        self._nobody = Account(f"{channel}/{_NOBODY}", NotConfigured())
        self._web = senders.get(Platform.WEBPUSH)
        # What waited for Web Push to be set up is under no account then, and goes on.
        served = {Platform.WEBPUSH} if self._web is not None else set()
        self.ours = frozenset(account.id for platform, account in self._accounts.items() if platform not in served)

    def of(self, delivery: Delivery) -> Sequence[Account]:
        """That of the platform in its address, or of the push service."""
        host = None if self._web is None else push_service_of(delivery)
        if host is not None and self._web is not None:
            return (Account(push_service_id(host), self._web),)
        found = platform_of(delivery.address)
        return (self._nobody if found is None else self._accounts[found[0]],)

    def waits_for(self, delivery: Delivery) -> str:
        """The same."""
        return self.of(delivery)[0].id

    def waiting(self, account: str) -> list[str]:
        """What waits for it."""
        return [account]

    def recovers(self, account: str) -> None:
        """Changes nothing: no platform has two."""

    async def strays(self, name: str, read: ReadParked) -> set[str]:
        """Nobody: a platform stays a device's."""
        del name, read
        return set()

    async def close(self) -> None:
        """Closes the senders."""
        for account in self._accounts.values():
            await account.sender.close()


def push_service_of(delivery: Delivery) -> str | None:
    """Host and port of the push service that a browser's subscription names; None for other devices."""
    found = platform_of(delivery.address)
    if found is None or found[0] is not Platform.WEBPUSH:
        return None
    try:
        return urlsplit(subscription_of(found[1]).endpoint).netloc.lower() or None
    except (msgspec.MsgspecError, ValueError):
        return None


def push_service_id(host: str) -> str:
    """The account of a push service. A user may name any host, so it stands nowhere in the clear."""
    return ids.derive("push_service", host)
