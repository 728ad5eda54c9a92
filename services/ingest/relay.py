"""Relays the outbox to Kafka, in its order; several ingest processes may run it at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from aiokafka.errors import MessageSizeTooLargeError

from services.ingest.outbox import OutboxStore
from shared.kafka.dead_letters import bury
from shared.kafka.group_commit import GroupCommit
from shared.model.errors import KafkaUnavailable, Unavailable
from shared.model.outputs import Output
from shared.model.records import DETOUR
from shared.model.topics import Topics
from shared.process.metrics import OUTBOX_RELAYED
from shared.process.retries import AGAIN_SECONDS

IDLE_SECONDS: Final = 0.5
"""Between two looks at an empty outbox, or at one that another process relays."""

log = structlog.get_logger()


async def relay(outbox: OutboxStore, kafka: GroupCommit, topics: Topics) -> None:
    """Runs until cancelled. A crash between writing and deleting writes again, under the same ids."""
    said = -AGAIN_SECONDS
    while True:
        try:
            moved = 0 if kafka.unavailable else await relay_once(outbox, kafka, topics)
        except Unavailable as error:
            if (now := time.monotonic()) - said >= AGAIN_SECONDS:
                said = now
                log.warning(
                    "relay_waits", error=str(error), next="it goes on by itself; what is in the outbox stays there"
                )
            moved = 0
        if not moved:
            await asyncio.sleep(IDLE_SECONDS)


async def relay_once(outbox: OutboxStore, kafka: GroupCommit, topics: Topics) -> int:
    """Moves the oldest rows; returns how many. Raises KafkaUnavailable or MongoUnavailable: they stay, or go again."""
    token, outputs = await outbox.claim()
    if not outputs:
        return 0
    try:
        await _publish(kafka, [_marked(topics, output) for output in outputs], bury(topics))
    except Unavailable as error:
        await outbox.give_back(token)
        raise KafkaUnavailable(f"not relayed: {type(error).__name__}") from error
    moved = await outbox.delete(token)
    OUTBOX_RELAYED.inc(moved)
    log.info("relayed", records=moved)
    return moved


def _marked(topics: Topics, output: Output) -> Output:
    """A notification says that it waited here: what was accepted after it may stand before it."""
    return (
        output if output.topic != topics.notifications else output._replace(headers=[*output.headers, (DETOUR, b"1")])
    )


async def _publish(kafka: GroupCommit, outputs: Sequence[Output], instead: Callable[[Output], list[Output]]) -> None:
    """Writes all of them; a record that no topic takes must not hold up those behind it."""
    try:
        return await kafka.publish(outputs)
    except MessageSizeTooLargeError:
        if len(outputs) > 1:
            for output in outputs:
                await _publish(kafka, [output], instead)
            return None
    for output in instead(outputs[0]):
        try:
            await kafka.publish([output])
        except MessageSizeTooLargeError:
            log.error("dead_letter_too_large", topic=output.topic, next="it is dropped; look at the topics' limits")
    return None
