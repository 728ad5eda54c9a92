"""What is said on the catalog topic: which workflows have a new version."""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from aiokafka import AIOKafkaConsumer

from shared.kafka.connection import KafkaAddress
from shared.kafka.consumer import open_consumer, start_consumer
from shared.model.outputs import KafkaRecord

log = structlog.get_logger()


async def open_announcements(kafka: KafkaAddress, topic: str, client_id: str) -> AIOKafkaConsumer:
    """A consumer that reads all that is announced from now on, its place known when this returns.

    With `latest` alone the client would look for the end at its first fetch, and miss what is announced before that.
    Raises KafkaError or KafkaUnavailable.
    """
    consumer = open_consumer(kafka, topic, group=None, client_id=client_id)
    await start_consumer(consumer)
    try:
        for partition, end in (await consumer.end_offsets(list(consumer.assignment()))).items():
            consumer.seek(partition, end)
    except BaseException:
        await consumer.stop()
        raise
    return consumer


def announced(records: Iterable[KafkaRecord]) -> list[tuple[str, str]]:
    """The tenant and key of each workflow that is named, once; what names none is logged."""
    found: dict[tuple[str, str], None] = {}
    for record in records:
        tenant, colon, key = (record.key or b"").decode("utf-8", "replace").partition(":")
        if colon:
            found[tenant, key] = None
        else:
            log.warning(
                "announcement_skipped", topic=record.topic, offset=record.offset, next="its key is not tenant:workflow"
            )
    return list(found)
