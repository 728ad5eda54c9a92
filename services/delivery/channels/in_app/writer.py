"""The in_app channel: inserting the inbox row is the claim, its offset is the cursor.

One bulk at a time, so that no reader of an inbox ever sees a row before an older one. A row that is there
already is a replay: what follows it is emitted again, with the stored offset.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.delivery.all_effects import failures
from services.delivery.channels.in_app.effects import announcement, dead, expired, removed, unrenderable
from services.delivery.channels.in_app.naming import Stored, with_own_ids
from services.delivery.channels.in_app.render import WEB_LINKS, render_item
from services.delivery.channels.in_app.stores import InboxRowStore, WithdrawnKeys
from services.delivery.core.receive import read, read_control
from services.delivery.dead_letter_notices import DeadLetterNotices
from services.delivery.rendering.links import SafeLinks
from services.delivery.rendering.liquid import RenderFailed
from services.delivery.tenants import TenantTexts
from shared.kafka.dead_letters import refuse
from shared.model.channels import Channel, Lane
from shared.model.dead_letters import UnreadableRecord
from shared.model.deliveries import DeliveryState, ReceivedDelivery
from shared.model.formats import NewerFormat
from shared.model.inbox import InboxItem
from shared.model.inbox_replacements import InboxReplacement
from shared.model.outputs import Coordinates, KafkaRecord, Output
from shared.model.ports import RecordWriter, WorkflowCatalog
from shared.model.reasons import Reason
from shared.model.records import Kind, Record
from shared.model.statuses import Subject
from shared.model.topics import Topics
from shared.model.withdrawals import InboxWithdrawal, Withdrawal
from shared.mongo.inbox_writing import NewInboxRow
from shared.process.clock import now_ms
from shared.process.failpoints import Failpoint, failpoint
from shared.process.metrics import DELIVERIES, DELIVERY_SECONDS, REPLAYS


class InboxWriter:
    """Writes the deliveries of `in_app` into inboxes and announces them."""

    def __init__(
        self,
        *,
        rows: InboxRowStore,
        publisher: RecordWriter,
        catalog: WorkflowCatalog,
        topics: Topics,
        tenants: TenantTexts,
        cancellations: WithdrawnKeys,
        links: SafeLinks = WEB_LINKS,
    ) -> None:
        self._rows = rows
        self._publisher = publisher
        self._catalog = catalog
        self._topics = topics
        self._links = links
        self._tenants = tenants
        self._cancellations = cancellations
        self._dead_letters = DeadLetterNotices(Channel.IN_APP, topics)

    async def write(self, records: Sequence[KafkaRecord]) -> None:
        """Rows, then announcements and statuses. Raises MongoUnavailable or KafkaUnavailable: call again.

        Raises NewerFormat, with nothing written: call again without what waits.
        """
        read_ones = [read(Channel.IN_APP, record) for record in records]
        for each in read_ones:
            if isinstance(each, NewerFormat):
                raise each
        received = [each for each in read_ones if isinstance(each, ReceivedDelivery)]
        others = [each for each in read_ones if isinstance(each, UnreadableRecord)]
        controls = [(each, read_control(each.record)) for each in others]
        unreadable = [each for each, control in controls if control is None]
        dlq, group = (
            self._topics.deliveries_dlq(Channel.IN_APP),
            self._topics.delivery_group(Channel.IN_APP, Lane.NORMAL),
        )
        outputs: list[Output] = refuse(dlq, unreadable, group=group)
        await self._fetch(received)
        now = now_ms()
        late = [each for each in received if each.delivery.notification.is_expired(now)]
        stored = await self._written_before(late, outputs)
        items = await with_own_ids(self._rows, self._catalog, self._items(received, now, outputs))
        stored += await self._insert(items)
        for _, record in controls:
            if record is not None and record.kind is Kind.PROFILE_CHANGED:
                await self._rows.erase(record.tenant, record.user, record.life)
        failpoint(Failpoint.AFTER_INBOX_ROW)
        # Behind the new row, so that a crash in between repeats it: the inbox is never without both.
        removals = await self._rows.replace(_replacements(stored))
        # What comes after its withdrawal does not find it on the log: of the two, whoever is later sees the other.
        removals += await self._rows.withdraw(await self._withdrawn(stored) + _withdrawals(controls))
        failpoint(Failpoint.AFTER_REPLACE)
        gone = {(item.id, item.offset) for removal in removals for item, _ in removal.items}
        for each, item in stored:
            receipt, is_gone = self._receipt(each) is not None, (item.id, item.offset) in gone
            outputs += announcement(self._topics, each.delivery, item, receipt=receipt, gone=is_gone)
            waited_ms = item.created_at - each.delivery.notification.accepted_at
            DELIVERY_SECONDS.labels(Channel.IN_APP).observe(max(0, waited_ms) / 1000)
        for removal in removals:  # behind the announcements of what took their place, and of what comes late
            outputs += removed(self._topics, removal)
        await self._publisher.publish(outputs)
        failpoint(Failpoint.AFTER_PRODUCE)

    async def _fetch(self, received: Sequence[ReceivedDelivery]) -> None:
        """Tenants as well. Raises NewerFormat for the first record of which only a newer version can read either."""
        first: dict[tuple[str, str, int], Coordinates] = {}
        for each in received:
            about = each.delivery.notification
            first.setdefault((about.tenant, about.workflow, about.version), each.record.coordinates)
        await self._catalog.fetch(first)
        await self._tenants.load(tenant for tenant, _, _ in first)
        for place, at in first.items():
            try:
                self._catalog.version(*place)
                self._tenants.known(place[0])
            except NewerFormat as newer:
                raise newer.of(at) from None

    async def _written_before(self, late: Sequence[ReceivedDelivery], outputs: list[Output]) -> list[Stored]:
        """Among those that have expired: a row written in time is a replay, the others end here.

        What cannot be rendered has no row and may have died in time, before a crash: it dies again.
        """
        rows = await self._rows.find(each.delivery.id for each in late)
        for each in late:
            if each.delivery.id not in rows:
                try:
                    self._render(each, now_ms())
                except RenderFailed as error:
                    outputs += self._dead(each, error)
                else:
                    outputs.append(expired(self._topics, each.delivery))
        return [(each, rows[each.delivery.id]) for each in late if each.delivery.id in rows]

    def _items(self, received: Sequence[ReceivedDelivery], now: int, outputs: list[Output]) -> list[Stored]:
        """What is to be inserted; what cannot be rendered ends in `outputs`."""
        items: list[Stored] = []
        for each in received:
            if each.delivery.notification.is_expired(now):
                continue
            try:
                items.append((each, self._render(each, now)))
            except RenderFailed as error:
                outputs += self._dead(each, error)
        return items

    def _dead(self, received: ReceivedDelivery, error: RenderFailed) -> list[Output]:
        result = unrenderable(received.delivery, error)
        DELIVERIES.labels(Channel.IN_APP, result.state, Reason.RENDER_FAILED).inc()
        self._dead_letters.note(received.delivery, result)
        told = dead(self._topics, received, result)
        return told + failures(self._topics, received.delivery, result, self._catalog)

    def _render(self, received: ReceivedDelivery, now: int) -> InboxItem:
        """Raises RenderFailed."""
        notification = received.delivery.notification
        workflow = self._catalog.version(notification.tenant, notification.workflow, notification.version)
        tenant = self._tenants.known(notification.tenant)
        return render_item(received.delivery, workflow, received.record.offset, now, self._links, tenant=tenant)

    def _receipt(self, received: ReceivedDelivery) -> Subject | None:
        """What a status has to be about when it reaches a socket; None: its workflow does not ask."""
        delivery, about = received.delivery, received.delivery.notification
        workflow = self._catalog.version(about.tenant, about.workflow, about.version)
        asked = workflow is not None and workflow.receipts
        return Subject(delivery.id, delivery.generation, delivery.pass_) if asked else None

    async def _insert(self, items: Sequence[Stored]) -> list[Stored]:
        rows = [
            NewInboxRow(
                sent.id,
                about.tenant,
                about.user,
                item,
                about.life,
                sent.step,
                about.cancellation_key,
                about.cancel_count,
                self._receipt(each),
                about.test,
                sent.variant,
                sent.locale,
            )
            for each, item in items
            for sent in [each.delivery]
            for about in [sent.notification]
        ]
        before = await self._rows.insert(rows)
        new = {each.delivery.id for each, _ in items} - before.keys()
        DELIVERIES.labels(Channel.IN_APP, DeliveryState.SENT, "none").inc(len(new))
        REPLAYS.labels("inbox").inc(len(before))
        return [(each, before.get(each.delivery.id, item)) for each, item in items]

    async def _withdrawn(self, stored: Sequence[Stored]) -> list[InboxWithdrawal]:
        """Those of these rows that were withdrawn before they were there. Nothing is asked when none has a key."""
        keyed = [each.delivery for each, _ in stored if each.delivery.notification.cancellation_key is not None]
        if not keyed:
            return []
        counts = await self._cancellations.withdrawn([delivery.notification for delivery in keyed])
        return [
            InboxWithdrawal(about.tenant, about.user, about.life, what, delivery.id)
            for delivery, count in zip(keyed, counts, strict=True)
            for about in [delivery.notification]
            if count > about.cancel_count
            for what in [Withdrawal(cancellation_key=about.cancellation_key or "", count=count)]
        ]


def _replacements(stored: Sequence[Stored]) -> list[InboxReplacement]:
    """What has taken the place of older ones, if anything has. A digest takes nobody's whom one of its items names."""
    found: list[InboxReplacement] = []
    for each, _ in stored:
        delivery, about = each.delivery, each.delivery.notification
        if delivery.replaces is not None:
            found.append(InboxReplacement(about.tenant, about.user, about.life, about.id, delivery.replaces))
        named = about.superseded if delivery.digest is None else None
        if named is not None:
            found.append(
                InboxReplacement(about.tenant, about.user, about.life, about.id, named, named=True, test=about.test)
            )
    return found


def _withdrawals(controls: Sequence[tuple[UnreadableRecord, Record | None]]) -> list[InboxWithdrawal]:
    """What is to be taken out of inboxes, behind all that stands before it on the log."""
    return [
        InboxWithdrawal(record.tenant, record.user, record.life, record.withdraws)
        for _, record in controls
        if record is not None and record.withdraws is not None
    ]
