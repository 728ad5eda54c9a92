"""From `statuses.v1` into the timeline: one bulk per batch, then the commit. A replay changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from shared.kafka.consumer import open_consumer
from shared.model.errors import Invalid, InvalidRecord, KafkaUnavailable
from shared.model.strict_json import loads
from shared.model.timestamps import parse_rfc3339, to_datetime
from shared.model.topics import Topics
from shared.mongo.bulk import insert_new
from shared.mongo.database import Database
from shared.process.clock import now_ms
from shared.process.metrics import STATUSES_SKIPPED, STATUSES_STORED
from shared.process.retries import retry_until_available

BATCH: Final = 500
WAIT_MS: Final = 500

log = structlog.get_logger()


def document(message: Any, created_at: int) -> dict[str, Any]:
    """A record of `statuses.v1` as its row; `_id` is the status id, so a replay meets it. Raises InvalidRecord."""
    try:
        headers = {name: raw.decode() for name, raw in message.headers}
        data = loads(message.value or b"")
        at = parse_rfc3339(headers["ce_time"])
        row = {
            "_id": headers["ce_id"],
            "tenant": headers["ce_tenant"],
            "user": data["user"],
            "type": headers["ce_type"],
            "subject": headers["ce_subject"],
            "notification": data.get("notification") or headers["ce_subject"],
        }
    except Invalid as error:
        raise InvalidRecord(error.code, error.detail) from error
    except KeyError as error:
        raise InvalidRecord("missing_attribute", f"{error} is missing") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidRecord("unreadable_status", type(error).__name__) from error
    return row | {
        "at": to_datetime(at),
        "data": data,
        "topic": message.topic,
        "partition": message.partition,
        "offset": message.offset,
        "created_at": to_datetime(created_at),
    }


def rows(messages: Iterable[Any]) -> list[dict[str, Any]]:
    """The rows of a batch; what is no status is counted, logged by its coordinates and left out."""
    found = []
    now = now_ms()
    for message in messages:
        try:
            found.append(document(message, now))
        except InvalidRecord as error:
            STATUSES_SKIPPED.labels(error.code).inc()
            place = {"topic": message.topic, "partition": message.partition, "offset": message.offset}
            log.warning("status_skipped", code=error.code, next="look at what wrote it", **place)
    return found


class Statuses:
    """The consumer. Waits for Kafka and MongoDB as long as it takes."""

    def __init__(self, database: Database, bootstrap: str, topics: Topics) -> None:
        self._database = database
        self._bootstrap = bootstrap
        self._topics = topics
        self._consumer: AIOKafkaConsumer | None = None

    async def follow(self) -> None:
        """Stores what comes; runs until cancelled, which is safe at any point."""
        live: AIOKafkaConsumer = await retry_until_available()(self._open)
        self._consumer = live
        try:
            while True:
                await self._next(live)
        finally:
            self._consumer = None
            await live.stop()

    async def is_following(self) -> bool:
        """Whether the consumer has joined its group."""
        return self._consumer is not None

    async def _next(self, live: AIOKafkaConsumer) -> None:
        batches = await live.getmany(timeout_ms=WAIT_MS, max_records=BATCH)
        messages = [message for batch in batches.values() for message in batch]
        if not messages:
            return
        await self._store(rows(messages))
        try:
            await live.commit()
        except KafkaError as error:
            log.warning("not_committed", error=type(error).__name__, next="read again, which changes nothing")

    async def _store(self, found: Sequence[dict[str, Any]]) -> None:
        if found:
            seen = await retry_until_available()(insert_new, self._database.timeline, list(found))
            STATUSES_STORED.inc(len(found) - len(seen))

    async def _open(self) -> AIOKafkaConsumer:
        live = open_consumer(
            self._bootstrap, self._topics.statuses, group=self._topics.group("console"), client_id="carillon-console"
        )
        try:
            await live.start()
        except KafkaError as error:
            await live.stop()
            raise KafkaUnavailable(repr(error)) from error
        return live
