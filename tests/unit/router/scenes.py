"""What `decide` works on, over twins, and the records that it is given."""

from __future__ import annotations

from typing import Any

from services.router.decide import Decider
from services.router.inputs import Inputs
from services.router.profile_cache import ProfileCache
from services.router.stops import StoppedHolds
from services.router.tenant_cache import TenantCache
from shared.model.deliveries import ReceivedDelivery
from shared.model.outputs import KafkaRecord
from shared.model.records import Kind, Record, encode, notify
from shared.model.topics import Topics
from shared.process.retries import retry_until_available
from tests.support import samples as a
from tests.support.twins.address_owners import MemoryAddressOwners
from tests.support.twins.cancellations import MemoryCancellations
from tests.support.twins.catalog import MemoryCatalog
from tests.support.twins.decisions import MemoryDecisions
from tests.support.twins.fanouts import MemorySubscriptions
from tests.support.twins.histories import MemoryHistories
from tests.support.twins.holds import MemoryHolds
from tests.support.twins.inbox_rows import MemoryInboxRows
from tests.support.twins.ledger import MemoryLedger
from tests.support.twins.profiles import MemoryProfiles
from tests.support.twins.publisher import MemoryPublisher
from tests.support.twins.suppressions import MemorySuppressions
from tests.support.twins.tenants import MemoryTenants

TOPICS = Topics()
QUIET = a.profile(user="eve", quiet_hours=a.NIGHTS)


class DecideStores:
    """What outlives a process."""

    def __init__(self) -> None:
        self.profiles = MemoryProfiles(a.profile(), a.profile(user="bob"), QUIET)
        self.owners = MemoryAddressOwners(self.profiles)
        self.catalog = MemoryCatalog()
        self.catalog.publish("acme", a.workflow())
        self.cancellations = MemoryCancellations()
        self.subscriptions = MemorySubscriptions()
        self.suppressions = MemorySuppressions()
        self.decisions = MemoryDecisions()
        self.holds = MemoryHolds()
        self.ledger = MemoryLedger()
        self.history = MemoryHistories(subscriptions=self.subscriptions)
        self.publisher = MemoryPublisher()
        self.tenants = MemoryTenants()
        self.inboxes = MemoryInboxRows()

    def decider(self) -> Decider:
        """A process that has just started."""
        tenants = TenantCache(self.tenants.read_many, ttl_ms=60_000)
        return Decider(
            inputs=self.inputs(tenants),
            decisions=self.decisions,
            holds=self.holds,
            ledger=self.ledger,
            lives=self.profiles,
            stopped=StoppedHolds(holds=self.holds, tenants=tenants, topics=TOPICS),
            inboxes=self.inboxes,
            history=self.history,
            publisher=self.publisher,
            topics=TOPICS,
        )

    def inputs(self, tenants: TenantCache | None = None) -> Inputs:
        """Of a process that has just started."""
        profiles = ProfileCache(self.profiles.read_many, suppressions=self.suppressions, size=100, ttl_ms=60_000)
        tenants = tenants or TenantCache(self.tenants.read_many, ttl_ms=60_000)
        return Inputs(
            catalog=self.catalog,
            profiles=profiles,
            tenants=tenants,
            owners=self.owners,
            cancellations=self.cancellations,
            subscriptions=self.subscriptions,
            suppressions=self.suppressions,
            spread_ms=0,
        )


async def carry(decider: Decider, *chunk: KafkaRecord) -> None:
    """As the agent does."""
    prepared = await retry_until_available(decider.prepare, chunk)
    await retry_until_available(decider.finish, prepared)


def at(offset: int, record: Record) -> KafkaRecord:
    return a.record(encode(record), topic=TOPICS.notifications, partition=1, offset=offset)


def new(offset: int, **about: Any) -> KafkaRecord:
    return at(offset, notify(a.notification(**{"id": f"n-{offset}"} | about)))


def retry(offset: int, **about: Any) -> tuple[ReceivedDelivery, KafkaRecord]:
    """A delivery whose first attempt failed, and its way back to `decide`."""
    earlier = a.delivery(notification=a.notification(**about), attempts=1)
    back = Record(
        kind=Kind.RETRY, tenant="acme", user="ada", subject=earlier.id, pass_=1, due=a.NOON, delivery=earlier
    )  # fmt: skip
    return ReceivedDelivery(delivery=earlier, record=a.record()), at(offset, back)
