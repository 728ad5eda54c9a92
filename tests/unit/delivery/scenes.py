"""A worker on twins, and what must follow a result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import msgspec

from services.delivery.accounts import Accounts, OwnEndpoints, Providers
from services.delivery.breaker import Breaker
from services.delivery.channels.stub import StubSender
from services.delivery.core.attempts import Sent
from services.delivery.core.cell_rates import parse_rates
from services.delivery.core.effects import derive_effects
from services.delivery.core.jobs import Job
from services.delivery.freshness import Freshness
from services.delivery.rates import Rates
from services.delivery.send import AfterCrash, Sending
from services.delivery.slots import Slots
from services.delivery.tenants import TenantTexts, TenantVersions
from services.delivery.worker import HostOf, Worker
from shared.deciding.changed_inputs import ChangedInputs
from shared.model.channels import Channel, Lane
from shared.model.deliveries import Delivery, DeliveryResult, DeliveryState, ReceivedDelivery
from shared.model.outputs import Output
from shared.model.provider_accounts import AccountPolicy
from shared.model.staging import Staging
from shared.model.tenants import TenantSettings
from shared.model.topics import Topics
from tests.support import samples as a
from tests.support.twins.address_owners import MemoryAddressOwners
from tests.support.twins.cancellations import MemoryCancellations
from tests.support.twins.catalog import MemoryCatalog
from tests.support.twins.dead_devices import MemoryDeadDevices
from tests.support.twins.fanouts import MemorySubscriptions
from tests.support.twins.holds import MemoryHolds
from tests.support.twins.ledger import MemoryLedger, MemoryLedgerRow
from tests.support.twins.profiles import MemoryProfiles
from tests.support.twins.provider_accounts import MemoryProviderAccounts
from tests.support.twins.publisher import MemoryPublisher
from tests.support.twins.suppressions import MemorySuppressions
from tests.support.twins.tenants import MemoryTenants

TOPICS = Topics()
SOON = 5
POLICY = AccountPolicy(first_pause=30_000)
LEASE = timedelta(seconds=60)
SENT = DeliveryResult(state=DeliveryState.SENT, at=a.NOON, attempts=1)


class WorkerScene:
    """A worker and its stores; `ledger(token)` is another process's view of the same rows."""

    def __init__(
        self,
        *,
        sender: StubSender | None = None,
        after_crash: AfterCrash = AfterCrash.SEND_AGAIN,
        lease: timedelta = LEASE,
        slots: int = 4,
        waiting: int = 4,
        host_of: HostOf | None = None,
        rates: str = "",
        channel: Channel = Channel.EMAIL,
        endpoint_of: Callable[[Delivery], str] | None = None,
    ) -> None:
        """`endpoint_of`: recipients have endpoints of their own. `staging` is read with the first delivery."""
        self.staging: Staging | None = None
        self.rows: dict[str, MemoryLedgerRow] = {}
        self.mine = self.ledger("mine", lease)
        self.sender = sender or StubSender(lambda _: Sent())
        self.publisher = MemoryPublisher()
        self.holds = MemoryHolds()
        self.accounts = MemoryProviderAccounts()
        self.carriers: Accounts = Providers(channel, {"smtp": self.sender})
        if endpoint_of is not None:
            self.carriers = OwnEndpoints(self.sender, endpoint_of)
        self.breaker = Breaker(
            channel=channel, accounts=self.carriers, rows=self.accounts, holds=self.holds, policy=POLICY
        )
        self.catalog = MemoryCatalog()
        self.catalog.publish("acme", a.workflow())
        self.profiles = MemoryProfiles(a.profile())
        self.devices = MemoryDeadDevices(self.profiles)
        self.suppressions = MemorySuppressions()
        freshness = Freshness(
            ChangedInputs(
                versions=self.profiles.versions,
                tenant_versions=TenantVersions(MemoryTenants().versions),
                cancellations=MemoryCancellations(),
                suppressions=self.suppressions,
                owners=MemoryAddressOwners(MemoryProfiles()),
                subscriptions=MemorySubscriptions(),
            ),
            stale_after_ms=60_000,
        )
        sending = Sending(
            catalog=self.catalog,
            freshness=freshness,
            breaker=self.breaker,
            retries=(1000,),
            after_crash=after_crash,
            rates=Rates(channel, parse_rates(rates), self.carriers),
            tenants=TenantTexts(self._settings),
        )
        self.worker = Worker(
            channel=channel,
            lane=Lane.NORMAL,
            ledger=self.mine,
            sending=sending,
            publisher=self.publisher,
            holds=self.holds,
            devices=self.devices,
            suppress=self.suppressions.put,
            topics=TOPICS,
            slots=Slots(slots, waiting=waiting),
            lease=LEASE,
            host_of=host_of,
        )

    async def _settings(self, tenants: list[str]) -> dict[str, TenantSettings]:
        return {each: TenantSettings(tenant=each, staging=self.staging) for each in tenants if self.staging}

    def ledger(self, token: str, lease: timedelta = LEASE) -> MemoryLedger:
        return MemoryLedger(self.rows, token=token, lease=lease)

    def logged(self, result: DeliveryResult) -> DeliveryResult:
        """With the attempts that the row has; how long they took is not known before."""
        return msgspec.structs.replace(result, log=self.rows[a.delivery().id].attempts)

    async def deliver(self, received: ReceivedDelivery | None = None) -> Job:
        given = received or a.received()
        job = Job(given)
        async with asyncio.timeout(SOON):
            await self.worker.deliver(given, job)
        return job


def follows(result: DeliveryResult, received: ReceivedDelivery | None = None) -> list[Output]:
    return derive_effects(TOPICS, received or a.received(), result).outputs
