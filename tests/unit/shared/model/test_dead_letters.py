"""Dead letters: the record as it came, and headers that say why."""

from __future__ import annotations

from shared.model.dead_letters import dead_letter
from shared.model.outputs import KafkaRecord


def test_headers_of_a_dead_letter() -> None:
    record = KafkaRecord("t", 3, 9, b"k", b"v", [("own", b"1")], 0)
    letter = dead_letter("dlq", record, group="g", code="c", error_class="E", at=5, attempts=2)
    assert letter[:3] == ("dlq", b"k", b"v")
    assert letter.headers[0] == ("own", b"1")
    assert dict(letter.headers[1:]) == {
        "source_topic": b"t", "source_partition": b"3", "source_offset": b"9", "source_consumer_group": b"g", "attempts": b"2",
        "error_class": b"E", "error_code": b"c", "first_failed_at": b"5", "last_failed_at": b"5",
    }  # fmt: skip
