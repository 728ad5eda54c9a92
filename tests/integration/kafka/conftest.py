"""One strict Kafka for these tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.strict_kafka import StrictKafka, strict_kafka


@pytest.fixture(scope="package")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StrictKafka]:
    with strict_kafka(tmp_path_factory.mktemp("strict")) as found:
        yield found
