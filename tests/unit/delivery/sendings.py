"""One channel's sending on twins."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

from services.delivery.accounts import Accounts, OwnEndpoints, Providers
from services.delivery.breaker import Breaker
from services.delivery.channels.stub import StubSender
from services.delivery.core.asked import AskedAccounts
from services.delivery.core.attempts import LeaseTooShort, Sent
from services.delivery.freshness import Freshness
from services.delivery.rates import Rates
from services.delivery.send import AfterCrash, Sending
from services.delivery.tenants import TenantTexts, TenantVersions
from shared.deciding.changed_inputs import ChangedInputs
from shared.model.channels import Channel
from shared.model.deliveries import Delivery, DeliveryResult, DeliveryState
from shared.model.provider_accounts import AccountPolicy
from shared.model.reasons import Reason
from shared.model.staging import Staging
from shared.model.tenants import TenantSettings
from tests.support import samples as a
from tests.support.twins.address_owners import MemoryAddressOwners
from tests.support.twins.cancellations import MemoryCancellations
from tests.support.twins.catalog import MemoryCatalog
from tests.support.twins.fanouts import MemorySubscriptions
from tests.support.twins.holds import MemoryHolds
from tests.support.twins.profiles import MemoryProfiles
from tests.support.twins.provider_accounts import MemoryProviderAccounts
from tests.support.twins.suppressions import MemorySuppressions
from tests.support.twins.tenants import MemoryTenants

STALE_AFTER_MS = 60_000
PROBE_MS = 30_000
LATE = a.NOON - STALE_AFTER_MS - 1


class Scene:
    """One channel's sending, and what it asks."""

    def __init__(
        self,
        after_crash: AfterCrash = AfterCrash.SEND_AGAIN,
        sender: StubSender | None = None,
        endpoint_of: Callable[[Delivery], str] | None = None,
    ) -> None:
        self.accounts = MemoryProviderAccounts()
        self.sender = sender or StubSender(lambda _: Sent())
        self.catalog = MemoryCatalog()
        self.catalog.publish("acme", a.workflow())
        self.profiles = MemoryProfiles(a.profile())
        self.tenants = MemoryTenants()
        self.cancellations = MemoryCancellations()
        self.suppressions = MemorySuppressions()
        inputs = ChangedInputs(
            versions=self.profiles.versions,
            tenant_versions=TenantVersions(self.tenants.versions),
            cancellations=self.cancellations,
            suppressions=self.suppressions,
            owners=MemoryAddressOwners(self.profiles),
            subscriptions=MemorySubscriptions(),
        )
        accounts: Accounts = Providers(Channel.EMAIL, {"smtp": self.sender})
        if endpoint_of is not None:
            accounts = OwnEndpoints(self.sender, endpoint_of)
        self.sending = Sending(
            catalog=self.catalog,
            freshness=Freshness(inputs, stale_after_ms=STALE_AFTER_MS),
            breaker=Breaker(
                channel=Channel.EMAIL,
                accounts=accounts,
                rows=self.accounts,
                holds=MemoryHolds(),
                policy=AccountPolicy(first_pause=PROBE_MS),
            ),
            retries=(1000, 2000),
            after_crash=after_crash,
            rates=Rates(Channel.EMAIL, (), accounts),
            tenants=TenantTexts(self._settings),
        )
        self.staging: Staging | None = None

    async def _settings(self, tenants: list[str]) -> dict[str, TenantSettings]:
        return {each: TenantSettings(tenant=each, staging=self.staging) for each in tenants if self.staging}

    async def send(
        self, *, crashed: bool = False, send_before: float = inf, **changes: Any
    ) -> DeliveryResult | LeaseTooShort:
        """As a worker does: what waited too long since the last look is looked at again."""
        result: DeliveryResult | LeaseTooShort = LeaseTooShort()
        for _ in range(100):
            result = await self.sending.send(
                a.delivery(**changes), AskedAccounts(), crashed=crashed, send_before=send_before
            )
            if isinstance(result, DeliveryResult):
                break
        return result


def brief(result: DeliveryResult | LeaseTooShort) -> tuple[DeliveryState, int, Reason | None]:
    assert isinstance(result, DeliveryResult)
    return result.state, result.attempts, result.reason
