"""The relay of the outbox: a row that no topic takes holds up none behind it."""

from __future__ import annotations

import asyncio

from services.ingest.outbox import OutboxRows
from services.ingest.relay import relay_once
from shared.kafka.group_commit import GroupPublisher
from shared.model.outputs import Output
from shared.model.records import encode, notify
from shared.model.topics import INTERNAL_MAX_BYTES
from shared.mongo.database import open_database
from tests.support import samples as a
from tests.support.env import Names
from tests.support.topics import records


async def test_a_row_that_is_too_large_becomes_a_dead_letter_and_the_others_go_on(names: Names) -> None:
    topics = names.topics
    kafka = GroupPublisher(names.brokers.kafka, client_id="tests", deadline_seconds=30)
    await kafka.start()
    try:
        async with open_database(names.brokers.mongo, names.database) as database:
            small = encode(notify(a.notification()))
            large = small + b" " * INTERNAL_MAX_BYTES
            rows = OutboxRows(database)
            await rows.publish([Output(topics.notifications, b"k", value, []) for value in (small, large, small)])
            async with asyncio.timeout(60):
                while await relay_once(rows, kafka, topics):
                    pass
            assert await database.outbox.count_documents({}) == 0
    finally:
        await kafka.stop()
    assert [record.value for record in await records(names.brokers.kafka, topics.notifications)] == [small, small]
