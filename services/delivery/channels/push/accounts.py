"""Who carries a push message: the one provider of the device's platform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from services.delivery.accounts import Account
from services.delivery.channels.not_configured import NotConfigured
from services.delivery.channels.sender import Sender
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.devices import Platform, platform_of

_NOBODY: Final = "none"


class PlatformAccounts:
    """An account for each platform; what is for one that is not set up waits, and the others do not notice."""

    def __init__(self, channel: Channel, senders: Mapping[Platform, Sender]) -> None:
        self._accounts = {
            platform: Account(f"{channel}/{platform}", senders.get(platform) or NotConfigured())
            for platform in Platform
        }
        self._nobody = Account(f"{channel}/{_NOBODY}", NotConfigured())
        self.ours = frozenset(account.id for account in self._accounts.values())

    def of(self, delivery: Delivery) -> Sequence[Account]:
        """That of the platform in its address."""
        found = platform_of(delivery.address)
        return (self._nobody if found is None else self._accounts[found[0]],)

    def waits_for(self, delivery: Delivery) -> str:
        """The same."""
        return self.of(delivery)[0].id

    def waiting(self, account: str) -> list[str]:
        """What waits for it."""
        return [account]

    async def close(self) -> None:
        """Closes the senders."""
        for account in self._accounts.values():
            await account.sender.close()
