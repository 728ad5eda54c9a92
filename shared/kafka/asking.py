"""Asking about a topic never creates it.

aiokafka's metadata requests say "create what is missing", and a broker with `auto.create.topics.enable=true`
(Kafka's default) then makes topics of one partition, one copy and 1 MiB, for ever.
"""

from __future__ import annotations

from aiokafka import client as kafka_client
from aiokafka.admin import client as admin_client
from aiokafka.protocol.metadata import MetadataRequest


class AskOnly(MetadataRequest):  # type: ignore[misc]  # aiokafka is untyped
    """aiokafka's request, without "create what is missing"."""

    def __init__(self, topics: list[str] | None = None, allow_auto_topic_creation: bool | None = False) -> None:
        super().__init__(topics, allow_auto_topic_creation)


def never_create_topics() -> None:
    """From now on every aiokafka client of this process, Faust's too, asks so."""
    kafka_client.MetadataRequest = admin_client.MetadataRequest = AskOnly
