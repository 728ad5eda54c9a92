"""Where what was accepted is safe."""

from __future__ import annotations

from enum import StrEnum


class Durability(StrEnum):
    """Where an accepted record is safe when its caller gets the 202."""

    LOG = "log"
    """Acknowledged by Kafka with acks=all."""
    OUTBOX = "outbox"
    """In MongoDB, majority and journal; relayed to Kafka when that is back."""
