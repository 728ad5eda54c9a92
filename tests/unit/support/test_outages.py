"""A twin that is told to fail does so as often as it was told, and the effect is there or not as it was told."""

from __future__ import annotations

import pytest

from shared.model.errors import KafkaUnavailable
from shared.model.outputs import Output
from tests.support.twins.publisher import MemoryPublisher

ONE = Output("t", b"k", b"v", [])


async def test_before_the_effect_there_is_none() -> None:
    publisher = MemoryPublisher()
    publisher.outages.add(2)
    for _ in range(2):
        assert not publisher.outages.met
        with pytest.raises(KafkaUnavailable):
            await publisher.publish([ONE])
    assert publisher.outages.met
    assert not publisher.written
    await publisher.publish([ONE])
    assert publisher.written == [ONE]


async def test_after_the_effect_it_is_there() -> None:
    publisher = MemoryPublisher()
    publisher.outages.add(after_effect=True)
    publisher.outages.add()
    for _ in range(2):
        with pytest.raises(KafkaUnavailable):
            await publisher.publish([ONE])
    assert publisher.written == [ONE]
