"""One real Kafka node (KRaft, broker and controller in one) on loopback, for the stack and for tests."""

from __future__ import annotations

from sandbox.kafka.node import Kafka

__all__ = ["Kafka"]
