"""The way back of a dead letter: its record as it came, one generation on."""

from __future__ import annotations

import pytest

from shared.kafka.dead_letters import refuse
from shared.model.dead_letters import UnreadableRecord, accepted_first, dead_letter, read_dead_letter, redriven
from shared.model.errors import InvalidEvent
from shared.model.outputs import KafkaRecord, Output
from tests.support import samples as a

ERROR = InvalidEvent("no_recipients", "nothing stands at data.to", "/data/to")


def stands(output: Output) -> KafkaRecord:
    """The record of an output, once it is on the log."""
    return KafkaRecord(output.topic, 0, 7, output.key, output.value, list(output.headers), a.NOON)


def event(**headers: bytes) -> KafkaRecord:
    record = a.event_record(offset=41)
    return record._replace(headers=[*record.headers, *headers.items()])


def test_what_was_written_is_read_again() -> None:
    record = event(source_topic=b"a header of the producer's own", carillon_generation=b"2")
    (written,) = refuse("dlq", [UnreadableRecord(record, ERROR, "e")], group="g")
    letter = read_dead_letter(stands(written))
    assert letter is not None
    assert letter.source == record._replace(timestamp=-1)
    assert (letter.offset, letter.code, letter.event, letter.generation) == (7, "no_recipients", "e", 2)
    assert letter.failed_at is not None


def test_it_goes_back_to_where_it_stood_accepted_anew_one_generation_on() -> None:
    record = event(carillon_accepted_at=b"1", carillon_generation=b"2")
    output = redriven(record, 3)
    assert (output.topic, output.key, output.value) == (record.topic, record.key, record.value)
    said = [("carillon_generation", b"3"), ("carillon_first_accepted", b"1")]
    assert output.headers == [*a.event_record().headers, *said]


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("source_topic", b"t")],
        [("source_topic", b"\xff"), ("source_partition", b"1"), ("source_offset", b"1")],
        [("source_topic", b"t"), ("source_partition", b"x"), ("source_offset", b"1")],
        [("source_topic", None), ("source_partition", b"1"), ("source_offset", b"1")],
    ],
)
def test_what_nobody_wrote_so_is_no_dead_letter(headers: list[tuple[str, bytes]]) -> None:
    assert read_dead_letter(a.record(headers=headers)) is None


def test_an_unreadable_record_has_no_event() -> None:
    letter = read_dead_letter(stands(dead_letter("dlq", event(), group="g", code="c", error_class="E", at=5)))
    assert letter is not None
    assert (letter.event, letter.generation, letter.failed_at) == (None, 0, 5)


@pytest.mark.parametrize(
    ("headers", "timestamp", "failed_at", "accepted"),
    [
        ({"carillon_first_accepted": b"1", "carillon_accepted_at": b"2"}, 3, 4, 1),
        ({"carillon_accepted_at": b"2"}, 3, 4, 2),
        ({"carillon_accepted_at": b"soon"}, 3, 4, 3),
        ({}, 3, 4, 3),
        ({}, -1, 4, 4),
        ({}, -1, None, None),
    ],
)
def test_how_old_an_event_is_says_whoever_knows_it_first(
    headers: dict[str, bytes], timestamp: int, failed_at: int | None, accepted: int | None
) -> None:
    assert accepted_first(event(**headers)._replace(timestamp=timestamp), failed_at) == accepted
