"""Sending over a log, a catalog and counters in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson

from services.ingest.acceptance import Acceptance
from services.ingest.models.notifications import read_send
from services.ingest.sending import NotificationSender
from services.ingest.unknown_users import UnknownUsers
from shared.model.errors import KafkaUnavailable, MongoUnavailable
from shared.model.notifications import Notification
from shared.model.outputs import Output
from shared.model.records import decode_record
from shared.model.topics import Topics
from tests.support import samples as a
from tests.support.twins.cancellations import MemoryCancellations
from tests.support.twins.catalog import MemoryCatalog
from tests.support.twins.fanouts import MemoryFanouts
from tests.support.twins.outbox import MemoryOutbox
from tests.support.twins.publisher import MemoryPublisher
from tests.unit.ingest.scenes import LONG, call, committing, everybody


class Log(MemoryPublisher):
    """The log as a sink; one that forgets has only the sizes of its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.forgets = False
        self.sizes: list[int] = []

    async def publish(self, outputs: Iterable[Output]) -> None:
        wanted = list(outputs)
        await super().publish(wanted)
        self.sizes.append(sum(len(each.value or b"") for each in wanted))
        if self.forgets:
            self.written.clear()

    async def start(self) -> None: ...

    async def discard(self) -> None: ...

    async def stop(self) -> None: ...


@dataclass(kw_only=True)
class Scene:
    sender: NotificationSender
    log: Log
    outbox: MemoryOutbox
    catalog: MemoryCatalog
    cancellations: MemoryCancellations
    fanouts: MemoryFanouts

    async def send(self, *, key: str | None = "k", trace: str | None = None, **wanted: object) -> dict:
        body = {"workflow": "order.shipped", "recipients": ["ada"]} | wanted
        asked = call(orjson.dumps(body), key=key)
        answer = await self.sender.send(asked, read_send(body, a.NOON), trace=trace, now=a.NOON)
        assert answer.status == 202
        return orjson.loads(answer.body) | {"location": answer.headers["Location"]}

    @property
    def sent(self) -> list[Notification]:
        records = [decode_record(output.value or b"") for output in self.log.written]
        return [record.notification for record in records if record.notification]


@asynccontextmanager
async def sending() -> AsyncIterator[Scene]:
    """Over memory, with one workflow of `acme`."""
    log, outbox, catalog, cancellations = Log(), MemoryOutbox(), MemoryCatalog(), MemoryCancellations()
    fanouts = MemoryFanouts()
    catalog.publish("acme", a.workflow())
    await catalog.load()
    async with committing(log, KafkaUnavailable) as first, committing(outbox, MongoUnavailable) as second:
        sender = NotificationSender(
            acceptance=Acceptance(log=first, outbox=second, outbox_seconds=LONG),
            catalog=catalog,
            cancellations=cancellations,
            fanouts=fanouts,
            topics=Topics(),
            unknown_users=UnknownUsers(everybody),
        )
        yield Scene(
            sender=sender, log=log, outbox=outbox, catalog=catalog, cancellations=cancellations, fanouts=fanouts
        )
