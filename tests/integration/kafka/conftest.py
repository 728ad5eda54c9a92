"""One strict Kafka for these tests."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator

import pytest

from tests.support.strict_kafka import StrictKafka, strict_kafka


@pytest.fixture(scope="package")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StrictKafka]:
    with strict_kafka(tmp_path_factory.mktemp("strict")) as found:
        yield found


@pytest.fixture(autouse=True)
def connections_that_end_with_their_loop() -> Iterator[None]:
    """aiokafka does not wait for the end of a TLS connection that it closes: a loop that ends meanwhile leaves its socket."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
