"""What each service does on Kafka, as a broker's access control lists say it (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from shared.model.topics import Topics

SERVICES: Final = ("ingest", "router", "scheduler", "delivery", "gateway", "console")
_WRITE: Final = ("Write", "DescribeConfigs")
_READ: Final = ("Read", "DescribeConfigs")
"""Describe is implied by either; the settings are compared at start."""


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What one service may do with one resource."""

    service: str
    resource: str
    """`topic` or `group`."""
    name: str
    operations: tuple[str, ...]


def grants(topics: Topics) -> Iterator[Grant]:
    """All that the services need; nothing else."""
    for service in SERVICES:
        for topic in topics.used_by(service):
            written = _WRITE if topic.is_written_by(service) else ()
            read = _READ if topic.is_read_by(service) else ()
            operations = tuple(dict.fromkeys((*read, *written)))
            yield Grant(service=service, resource="topic", name=topic.name, operations=operations)
        for group in topics.groups_of(service):
            yield Grant(service=service, resource="group", name=group, operations=("Read",))
        for group in topics.groups_asked_by(service):
            yield Grant(service=service, resource="group", name=group, operations=("Describe",))
