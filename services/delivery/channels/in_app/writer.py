"""The in_app channel: inserting the inbox row is the claim, its offset is the cursor.

One bulk at a time, so that no reader of an inbox ever sees a row before an older one. A row that is there
already is a replay: what follows it is emitted again, with the stored offset.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from services.delivery.core.attempts import DeliveryResult
from services.delivery.core.effects import ReceivedDelivery, dead_letter, delivery_status
from services.delivery.receive import UnreadableRecord, read
from services.delivery.rendering.liquid import RenderFailed, context, render
from shared.catalog.cache import Catalog
from shared.kafka.producer import Publisher
from shared.model import ids
from shared.model.channels import Channel
from shared.model.deliveries import Delivery, DeliveryState
from shared.model.inbox import Change, InboxEvent, InboxItem, encode
from shared.model.outputs import Coordinates, Output
from shared.model.reasons import Reason
from shared.model.topics import Topics
from shared.model.workflows import Workflow
from shared.mongo.bulk import insert_new
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.inbox_rows import from_row, to_row
from shared.process.clock import now_ms
from shared.process.failpoints import Failpoint, failpoint
from shared.process.metrics import DEAD_LETTERS, DELIVERIES, DELIVERY_SECONDS, REPLAYS
from shared.process.retries import retry_until_available

BULK = 500


class InboxWriter:
    """Writes the deliveries of `in_app` into inboxes and announces them."""

    def __init__(
        self, *, database: Database, publisher: Publisher, catalog: Catalog, topics: Topics, linger_seconds: float
    ) -> None:
        self._database = database
        self._publisher = publisher
        self._catalog = catalog
        self._topics = topics
        self._linger = linger_seconds

    async def run(self, consumer: AIOKafkaConsumer, stop: asyncio.Event) -> None:
        """Writes until `stop` is set; the bulk under way is finished and committed first."""
        while not stop.is_set():
            batch = await consumer.getmany(timeout_ms=250, max_records=BULK)
            records = [record for part in batch.values() for record in part]
            if not records:
                continue
            await retry_until_available()(self.write, records)
            await commit_read(consumer, batch)
            if len(records) > 1:
                await asyncio.sleep(self._linger)

    async def write(self, records: Sequence[Any]) -> None:
        """Rows, then announcements and statuses, of records as they came. Raises MongoUnavailable or KafkaUnavailable."""
        outputs: list[Output] = []
        wanted: list[ReceivedDelivery] = []
        for record in records:
            job = read(self._topics, Channel.IN_APP, record, Coordinates(record.topic, record.partition, record.offset))
            if isinstance(job, UnreadableRecord):
                DEAD_LETTERS.labels(job.letter.topic, job.code).inc()
                outputs.append(job.letter)
            else:
                wanted.append(job)
        await self._fetch_workflows(wanted)
        now = now_ms()
        late = [received for received in wanted if received.delivery.notification.is_expired(now)]
        stored = await self._written_before(late, outputs)
        items = [
            (received, item)
            for received in wanted
            if not received.delivery.notification.is_expired(now)
            and (item := self._item(received, now, outputs)) is not None
        ]
        stored += await self._insert(items)
        failpoint(Failpoint.AFTER_INBOX_ROW)
        for received, item in stored:
            outputs += self._announce(received.delivery, item)
        await self._publisher.publish(outputs)
        failpoint(Failpoint.AFTER_PRODUCE)

    async def _fetch_workflows(self, wanted: list[ReceivedDelivery]) -> None:
        places = {(n.tenant, n.workflow, n.version) for n in (received.delivery.notification for received in wanted)}
        await self._catalog.fetch(place for place in places if self._catalog.version(*place) is None)

    async def _written_before(
        self, late: list[ReceivedDelivery], outputs: list[Output]
    ) -> list[tuple[ReceivedDelivery, InboxItem]]:
        """Among those that have expired: a row written in time is a replay, the others end here."""
        rows = await self._rows(received.delivery.id for received in late)
        for received in late:
            if received.delivery.id not in rows:
                expired_at = received.delivery.notification.expires_at
                result = DeliveryResult(state=DeliveryState.EXPIRED, at=expired_at, attempts=0, reason=Reason.EXPIRED)
                outputs.append(delivery_status(self._topics, received.delivery, result))
        return [(received, rows[received.delivery.id]) for received in late if received.delivery.id in rows]

    async def _rows(self, deliveries: Iterable[str]) -> dict[str, InboxItem]:
        """Rows that exist, as they were announced first."""
        wanted = list(deliveries)
        if not wanted:
            return {}
        with mongo_border():
            found = self._database.inbox.find({"_id": {"$in": wanted}})
            return {row["_id"]: _as_created(from_row(row)) async for row in found}

    def _item(self, received: ReceivedDelivery, now: int, outputs: list[Output]) -> InboxItem | None:
        """The row's contents; None when it cannot be rendered (then what follows is in `outputs`)."""
        delivery = received.delivery
        notification = delivery.notification
        workflow = self._catalog.version(notification.tenant, notification.workflow, notification.version)
        try:
            return _render(delivery, workflow, received.coordinates.offset, now)
        except RenderFailed as error:
            result = DeliveryResult(
                state=DeliveryState.DEAD,
                at=delivery.decided_at,
                attempts=1,
                reason=Reason.RENDER_FAILED,
                code=str(error),
            )
            outputs += [delivery_status(self._topics, delivery, result), dead_letter(self._topics, received, result)]
            return None

    async def _insert(
        self, items: list[tuple[ReceivedDelivery, InboxItem]]
    ) -> list[tuple[ReceivedDelivery, InboxItem]]:
        if not items:
            return []
        rows = [
            to_row(
                item,
                delivery=received.delivery.id,
                tenant=received.delivery.notification.tenant,
                user=received.delivery.notification.user,
            )
            for received, item in items
        ]
        seen = await insert_new(self._database.inbox, rows)
        DELIVERIES.labels(Channel.IN_APP, DeliveryState.SENT, "none").inc(len(items) - len(seen))
        if not seen:
            return items
        REPLAYS.labels("inbox").inc(len(seen))
        first = await self._rows(rows[position]["_id"] for position in seen)
        return [(received, first.get(received.delivery.id, item)) for received, item in items]

    def _announce(self, delivery: Delivery, item: InboxItem) -> list[Output]:
        notification = delivery.notification
        key = ids.user_key(notification.tenant, notification.user)
        created = InboxEvent(change=Change.CREATED, items=(item,), at=item.created_at)
        result = DeliveryResult(state=DeliveryState.SENT, at=item.created_at, attempts=1)
        DELIVERY_SECONDS.labels(Channel.IN_APP).observe(max(0, item.created_at - notification.accepted_at) / 1000)
        return [
            Output(self._topics.inbox, key, encode(created), []),
            delivery_status(self._topics, delivery, result),
        ]


def _as_created(item: InboxItem) -> InboxItem:
    """The row as it was announced first: what happened to it since is announced on its own."""
    return msgspec.structs.replace(item, seen_at=None, read_at=None, archived_at=None, deleted_at=None, updated_at=None)


def _render(delivery: Delivery, workflow: Workflow | None, offset: int, now: int) -> InboxItem:
    template = workflow.templates.in_app if workflow else None
    if workflow is None or template is None:
        raise RenderFailed("no_template")
    notification, values = delivery.notification, context(delivery)
    return InboxItem(
        id=notification.id,
        workflow=notification.workflow,
        type=template.type,
        title=render(template.title, delivery.locale, values),
        body=render(template.body, delivery.locale, values),
        url=render(template.url, None, values) if template.url else None,
        data=notification.data,
        actor=notification.actor,
        offset=offset,
        created_at=now,
    )


async def commit_read(consumer: AIOKafkaConsumer, batch: dict[Any, Sequence[Any]]) -> None:
    """Commits what was read, except where the partition has moved on meanwhile."""
    assigned = consumer.assignment()
    offsets = {part: records[-1].offset + 1 for part, records in batch.items() if part in assigned}
    with suppress(KafkaError):  # whoever gets the partition reads from the last commit on and meets the rows
        if offsets:
            await consumer.commit(offsets)
