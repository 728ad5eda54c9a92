"""The lanes of `pull`: nothing is sent, what is read waits in MongoDB for a sender of the producer's own."""

from __future__ import annotations

from collections.abc import Sequence

from services.delivery.core.receive import read
from services.delivery.tenants import TenantTexts
from shared.kafka.dead_letters import refuse
from shared.model.channels import Channel, Lane
from shared.model.dead_letters import UnreadableRecord
from shared.model.deliveries import Delivery, ReceivedDelivery
from shared.model.formats import NewerFormat
from shared.model.outputs import KafkaRecord
from shared.model.ports import RecordWriter, WorkflowCatalog
from shared.model.pull import PulledDelivery, PullQueue, RowPlace
from shared.model.staging import SendMode, mode_of
from shared.model.topics import Topics
from shared.model.workflows import Workflow
from shared.process.failpoints import Failpoint, failpoint
from shared.process.metrics import DUPLICATES, REPLAYS


class PullWriter:
    """One lane, in bulks. A row that is there already is a replay: what follows its result, a worker sees to."""

    def __init__(
        self,
        *,
        lane: Lane,
        queue: PullQueue,
        publisher: RecordWriter,
        catalog: WorkflowCatalog,
        topics: Topics,
        tenants: TenantTexts,
        stale_after_ms: int,
    ) -> None:
        self._group = topics.delivery_group(Channel.PULL, lane)
        self._dlq = topics.deliveries_dlq(Channel.PULL)
        self._queue = queue
        self._publisher = publisher
        self._catalog = catalog
        self._tenants = tenants
        self._stale_after_ms = stale_after_ms

    async def write(self, records: Sequence[KafkaRecord]) -> None:
        """Rows of what can be read, dead letters of the rest.

        Raises MongoUnavailable or KafkaUnavailable: call again. Raises NewerFormat: call again without what waits.
        """
        read_ones = [read(Channel.PULL, record) for record in records]
        for each in read_ones:
            if isinstance(each, NewerFormat):
                raise each
        received = [each for each in read_ones if isinstance(each, ReceivedDelivery)]
        await self._fetch(received)
        pulled = [self._pulled(each) for each in received]
        await self._insert(pulled)
        failpoint(Failpoint.AFTER_CLAIM)
        await self._publisher.publish(
            refuse(self._dlq, [each for each in read_ones if isinstance(each, UnreadableRecord)], group=self._group)
        )

    async def _insert(self, pulled: Sequence[PulledDelivery]) -> None:
        """Of one delivery the last pass waits: what stands before it in the same bulk has come back already."""
        last = list({each.delivery.id: each for each in pulled}.values())
        places = await self._queue.insert(last)
        REPLAYS.labels("ledger").inc(places.count(RowPlace.HERE))
        DUPLICATES.labels("ledger").inc(places.count(RowPlace.AHEAD))

    async def _fetch(self, received: Sequence[ReceivedDelivery]) -> None:
        """Raises NewerFormat for the first record whose workflow or tenant only a newer version can read."""
        first = {_workflow(each): each.record.coordinates for each in reversed(received)}
        await self._catalog.fetch([place for place in first if not self._is_known(place)])
        await self._tenants.load(tenant for tenant, _, _ in first)
        for place, at in first.items():
            try:
                self._catalog.version(*place)
                self._tenants.known(place[0])
            except NewerFormat as newer:
                raise newer.of(at) from None

    def _is_known(self, place: tuple[str, str, int]) -> bool:
        try:
            return self._catalog.version(*place) is not None
        except NewerFormat:
            return False

    def _pulled(self, received: ReceivedDelivery) -> PulledDelivery:
        delivery = received.delivery
        workflow = self._catalog.version(*_workflow(received))
        fresh_until = delivery.decided_at + self._stale_after_ms
        return PulledDelivery(
            received=received,
            critical=workflow is not None and workflow.critical,
            simulated=self._mode_of(delivery) is not SendMode.LIVE,
            max_retries=_max_retries(delivery, workflow),
            fresh_until=fresh_until if delivery.valid_until is None else min(fresh_until, delivery.valid_until),
            look=0,
        )

    def _mode_of(self, delivery: Delivery) -> SendMode:
        settings = self._tenants.known(delivery.notification.tenant)
        staging = settings.staging if settings is not None else None
        mode, _ = mode_of(delivery.channel, delivery.address, test=delivery.notification.test, staging=staging)
        return mode


def _workflow(received: ReceivedDelivery) -> tuple[str, str, int]:
    about = received.delivery.notification
    return about.tenant, about.workflow, about.version


def _max_retries(delivery: Delivery, workflow: Workflow | None) -> int | None:
    if delivery.notification.max_retries is not None or workflow is None:
        return delivery.notification.max_retries
    return workflow.max_retries
