"""The only file that opens aiokafka consumers."""

from __future__ import annotations

from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from shared.model.errors import KafkaUnavailable
from shared.model.topics import INTERNAL_MAX_BYTES


def consumer(bootstrap: str, *topics: str, group: str | None, client_id: str, **options: Any) -> AIOKafkaConsumer:
    """A consumer that commits by hand and starts at the beginning of what it never read."""
    defaults: dict[str, Any] = {
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "fetch_max_wait_ms": 250,
        "max_partition_fetch_bytes": INTERNAL_MAX_BYTES,
        "session_timeout_ms": 10_000,
        "heartbeat_interval_ms": 2_000,
        "max_poll_interval_ms": 300_000,
    }
    return AIOKafkaConsumer(
        *topics, bootstrap_servers=bootstrap, group_id=group, client_id=client_id, **defaults | options
    )


async def started(source: AIOKafkaConsumer) -> None:
    """Connects a consumer; raises KafkaUnavailable when no broker answers."""
    try:
        await source.start()
    except KafkaError as error:
        raise KafkaUnavailable(repr(error)) from error
