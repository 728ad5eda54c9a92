"""A lane's consumer: opened anew when it could not start, and readiness waits for it."""

from __future__ import annotations

import pytest

from services.delivery.app import consuming
from services.delivery.settings import DeliverySettings
from shared.kafka import consumer as kafka_consumer
from shared.model.channels import Channel
from shared.process.runtime import Runtime
from tests.support.twins.consumer import ConsumerStarts


class Reader:
    """A LaneReader that has to hear of moving partitions from the consumer that is read."""

    def __init__(self) -> None:
        self.listens_to: list[object] = []

    def listener(self, consumer: object) -> None:
        self.listens_to.append(consumer)


async def test_after_a_start_that_failed_late_a_lane_is_read_with_a_new_consumer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    starts, reader, runtime = ConsumerStarts(), Reader(), Runtime(service="delivery")
    monkeypatch.setattr(kafka_consumer, "AIOKafkaConsumer", starts)
    lane = Channel.EMAIL.spec.lanes[0]
    async with consuming(Channel.EMAIL, lane, DeliverySettings(), runtime, reader) as source:
        assert source is starts.made[1]
        assert [consumer.stopped for consumer in starts.made] == [True, False]
        assert reader.listens_to == starts.made
        assert await runtime.checks[f"reading {Channel.EMAIL}-{lane}"]()
    assert starts.made[1].stopped
