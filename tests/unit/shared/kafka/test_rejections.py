"""Why Kafka does not answer, in words that say what to look at."""

from __future__ import annotations

import pytest

from shared.kafka.connection import KafkaConnection
from shared.kafka.rejections import _silence


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ConnectionRefusedError(111, "refused"), "nothing listens there. Start Kafka, or look at CARILLON_KAFKA"),
        (ConnectionResetError(104, "reset"), "it may ask for another CARILLON_KAFKA_SECURITY_PROTOCOL than PLAINTEXT"),
    ],
)
def test_a_port_where_nothing_listens_is_no_question_of_protocols(error: OSError, says: str) -> None:
    assert says in _silence(error, KafkaConnection(servers="127.0.0.1:9092"))
