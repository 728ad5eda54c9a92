"""What `expand` works on, over twins."""

from __future__ import annotations

from services.router.core.received_event import EventTenants
from services.router.expand import Expander
from shared.model.notifications import Notification
from shared.model.outputs import KafkaRecord
from shared.model.records import decode_record
from shared.model.topics import Topics
from shared.process.retries import retry_until_available
from tests.support import samples as a
from tests.support.twins.catalog import MemoryCatalog
from tests.support.twins.expansions import MemoryExpansions
from tests.support.twins.fanouts import MemoryFanouts
from tests.support.twins.publisher import MemoryPublisher

TOPICS = Topics()
TYPE = "com.example.order.shipped"
SHIPPED = a.workflow(on=(TYPE,), recipients="data.to")


class ExpandStores:
    """What outlives a process."""

    def __init__(self) -> None:
        self.catalog = MemoryCatalog()
        for tenant in ("default", "acme"):
            self.catalog.publish(tenant, SHIPPED)
        self.expansions = MemoryExpansions()
        self.fanouts = MemoryFanouts()
        self.publisher = MemoryPublisher()
        self.trusted = False

    async def expander(self) -> Expander:
        """A process that has just started."""
        await self.catalog.load()
        return Expander(
            expansions=self.expansions,
            fanouts=self.fanouts,
            publisher=self.publisher,
            catalog=self.catalog,
            topics=TOPICS,
            tenants=EventTenants(internal=TOPICS.accepted_events, trusted=self.trusted),
        )

    @property
    def notifications(self) -> list[Notification]:
        """What was sent to `decide`, in order."""
        found = [decode_record(output.value).notification for output in self.publisher.on(TOPICS.notifications)]
        return [each for each in found if each]

    @property
    def notified(self) -> list[tuple[str, int]]:
        """User and workflow version of each notification, in order."""
        return [(each.user, each.version) for each in self.notifications]


async def carry(expander: Expander, *chunk: KafkaRecord) -> None:
    """As the agent does."""
    prepared = await retry_until_available(expander.prepare, chunk)
    await retry_until_available(expander.finish, prepared)
