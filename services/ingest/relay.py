"""Relays the outbox to Kafka, in its order; several ingest processes may run it at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from aiokafka.errors import MessageSizeTooLargeError

from services.ingest import outbox
from shared.kafka.dead_letters import bury
from shared.kafka.group_commit import GroupCommit
from shared.model.errors import KafkaUnavailable, Unavailable
from shared.model.outputs import Output
from shared.model.topics import Topics
from shared.mongo.database import Database
from shared.process.metrics import OUTBOX_RELAYED

IDLE_SECONDS: Final = 0.5
"""Between two looks at an empty outbox, or at one that another process relays."""

log = structlog.get_logger()


async def relay(database: Database, kafka: GroupCommit, topics: Topics) -> None:
    """Runs until cancelled. A crash between writing and deleting writes again, under the same ids."""
    while True:
        try:
            moved = 0 if kafka.unavailable else await relay_once(database, kafka, topics)
        except Unavailable as error:
            log.warning("relay_waits", error=str(error))
            moved = 0
        if not moved:
            await asyncio.sleep(IDLE_SECONDS)


async def relay_once(database: Database, kafka: GroupCommit, topics: Topics) -> int:
    """Moves the oldest rows; returns how many. Raises KafkaUnavailable or MongoUnavailable: they stay, or go again."""
    token, outputs = await outbox.claim(database)
    if not outputs:
        return 0
    try:
        await _publish(kafka, outputs, bury(topics))
    except (Unavailable, MessageSizeTooLargeError) as error:
        await outbox.give_back(database, token)
        raise KafkaUnavailable(f"not relayed: {type(error).__name__}") from error
    moved = await outbox.delete(database, token)
    OUTBOX_RELAYED.inc(moved)
    log.info("relayed", records=moved)
    return moved


async def _publish(kafka: GroupCommit, outputs: Sequence[Output], instead: Callable[[Output], list[Output]]) -> None:
    """Writes all of them; a row that no topic takes must not hold up those behind it."""
    try:
        await kafka.publish(outputs)
    except MessageSizeTooLargeError:
        if len(outputs) == 1:
            return await kafka.publish(instead(outputs[0]))
        for output in outputs:
            await _publish(kafka, [output], instead)
