"""Creating topics; nothing else of Carillon ever does."""

from __future__ import annotations

from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.model.topics import Topic


async def ensure_topics(bootstrap: str, topics: Sequence[Topic], *, replication: int = 1) -> list[str]:
    """Creates what is missing and returns its names; existing topics are left as they are."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        known = set(await admin.list_topics())
        missing = [topic for topic in topics if topic.name not in known]
        if not missing:
            return []
        response = await admin.create_topics([_new(topic, replication) for topic in missing])
        for name, code, message in response.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                raise error(f"{name}: {message}")
        return [topic.name for topic in missing]
    finally:
        await admin.close()


def _new(topic: Topic, replication: int) -> NewTopic:
    return NewTopic(
        topic.name,
        num_partitions=topic.partitions,
        replication_factor=replication,
        topic_configs={
            "cleanup.policy": "compact" if topic.compacted else "delete",
            "retention.ms": str(-1 if topic.compacted else topic.retention_ms),
            "max.message.bytes": str(topic.max_message_bytes),
            # The broker unpacks what foreign producers compressed, and checks its size again: a bomb ends there.
            "compression.type": "uncompressed",
            # A producer's clock may say seconds, or last week: retention would delete the record, expiry end it.
            "message.timestamp.type": "LogAppendTime",
            "min.insync.replicas": "2" if replication >= 3 else "1",
        },
    )
