"""Dead letters of deliveries as rows: whatever stands on the topic becomes one, and a replay is the same one."""

from __future__ import annotations

from typing import Any

import bson
import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.letters.core.answers import detail, summary
from services.console.letters.core.letter_row import MAX_KEPT_BYTES, UNREADABLE, letter_row
from shared.kafka.dead_letters import refuse
from shared.model.channels import Channel
from shared.model.dead_letters import UnreadableRecord
from shared.model.errors import InvalidRecord
from shared.model.outputs import FormatFault, KafkaRecord, Output
from shared.model.oversized import in_place_of
from shared.model.reasons import Reason
from shared.model.records import encode
from shared.model.timestamps import to_datetime
from shared.model.topics import Topics
from tests.support import samples as a
from tests.support.letters import dead_letter_record

TOPICS = Topics()
DLQ = TOPICS.deliveries_dlq(Channel.EMAIL)


def stands(output: Output, offset: int = 7) -> KafkaRecord:
    return KafkaRecord(output.topic, 0, offset, output.key, output.value, output.headers, a.NOON + 5)


def test_a_delivery_says_what_it_is_and_why_it_failed() -> None:
    row = letter_row(Channel.EMAIL, dead_letter_record(first_failed_at=a.NOON - 9), a.NOON + 6)
    about = a.notification()
    assert {name: row[name] for name in ("tenant", "user", "channel", "state", "reason", "code", "attempts", "whole")} == {
        "tenant": "acme", "user": "ada", "channel": "email", "state": "open", "reason": "rejected", "code": "550",
        "attempts": 3, "whole": True,
    }  # fmt: skip
    assert (row["delivery"], row["notification"], row["workflow"]) == (a.delivery().id, about.id, about.workflow)
    assert (row["at"], row["first_failed_at"]) == (to_datetime(a.NOON), to_datetime(a.NOON - 9))
    assert row["ends_at"] == to_datetime(about.expires_at)
    assert (row["topic"], row["partition"], row["offset"]) == ("carillon.deliveries.email.v1", 4, 99)
    assert row["headers"] == [[b"traceparent", b"00-1"]]
    assert row["value"] == encode(a.delivery(first_failed_at=a.NOON - 9))


def test_the_same_letter_is_the_same_row_and_the_next_generation_another() -> None:
    ids = [letter_row(Channel.EMAIL, dead_letter_record(generation=number), a.NOON)["_id"] for number in (0, 0, 1)]
    assert ids[0] == ids[1] != ids[2]
    assert letter_row(Channel.EMAIL, dead_letter_record()._replace(offset=8), a.NOON)["_id"] == ids[0]


def test_what_nobody_could_read_is_its_tenants_by_its_key_and_cannot_be_sent() -> None:
    unreadable = UnreadableRecord(a.record(b"\xff"), InvalidRecord("unreadable_delivery", "no"))
    (output,) = refuse(DLQ, [unreadable], group="g")
    row = letter_row(Channel.EMAIL, stands(output), a.NOON)
    assert (row["tenant"], row["user"], row["reason"], row["code"], row["whole"]) == (
        "acme", "ada", UNREADABLE, "unreadable_delivery", False,
    )  # fmt: skip
    assert letter_row(Channel.EMAIL, stands(output, offset=8), a.NOON)["_id"] == row["_id"]
    assert detail(row, None).payload == "/w=="


def test_what_was_shortened_cannot_be_sent() -> None:
    large = a.delivery(notification=a.notification(data=msgspec.Raw(b'"' + b"x" * 70_000 + b'"')))
    output = Output(TOPICS.deliveries(Channel.EMAIL), b"acme:ada", encode(large), [])
    letter = in_place_of(TOPICS, output, a.NOON)[0]
    row = letter_row(Channel.EMAIL, stands(letter), a.NOON)
    assert (row["reason"], row["whole"], row["offset"]) == (Reason.RECORD_TOO_LARGE, False, -1)
    small = Output(TOPICS.deliveries(Channel.EMAIL), b"acme:ada", encode(a.delivery()), [])
    whole = letter_row(Channel.EMAIL, stands(in_place_of(TOPICS, small, a.NOON)[0]), a.NOON)
    assert not whole["whole"], "marked as shortened, whatever is left of it"


def test_of_what_is_larger_than_a_row_only_its_place_is_kept() -> None:
    row = letter_row(Channel.EMAIL, dead_letter_record()._replace(value=b"x" * (MAX_KEPT_BYTES + 1)), a.NOON)
    assert "value" not in row
    assert "headers" not in row
    assert not row["whole"]
    assert row["bytes"] > MAX_KEPT_BYTES


def test_what_a_newer_version_wrote_is_kept_with_its_number() -> None:
    row = letter_row(Channel.EMAIL, dead_letter_record(format=a.NEWER), a.NOON)
    assert (row["format"], row["delivery"]) == (a.NEWER, a.delivery().id)


@pytest.mark.parametrize("number", [-1, 10**15 * 9, 2**63 - 1, 2**64 - 1])
@pytest.mark.parametrize("name", ["expires_at", "version", "life", "generation", "format"])
def test_a_number_that_no_row_takes_is_an_unreadable_letter(name: str, number: int) -> None:
    delivery = orjson.loads(encode(a.delivery()))
    (delivery if name in ("generation", "format") else delivery["notification"])[name] = number
    row = letter_row(Channel.EMAIL, dead_letter_record()._replace(value=orjson.dumps(delivery)), a.NOON)
    bson.encode(row)
    assert (row["tenant"], row["letter_offset"]) == ("acme", 7)


def test_a_time_of_the_log_that_is_none_ends_nothing() -> None:
    record = KafkaRecord(DLQ, 0, 3, None, b"raw", [], 2**62)
    assert letter_row(Channel.EMAIL, record, a.NOON)["at"] == to_datetime(a.NOON)


@pytest.mark.parametrize("fault", FormatFault)
def test_a_broken_batch_is_a_letter(fault: FormatFault) -> None:
    row = letter_row(Channel.EMAIL, KafkaRecord(DLQ, 0, 3, None, b"raw", [], -1, fault), a.NOON)
    assert (row["tenant"], row["code"], row["whole"]) == ("", fault, False)


def test_no_address_is_in_a_summary() -> None:
    row = letter_row(Channel.EMAIL, dead_letter_record(), a.NOON)
    assert b"ada@example.com" not in msgspec.json.encode(summary(row))
    assert b"ada@example.com" in msgspec.json.encode(detail(row, None)), "control: here it is"


HEADER = st.tuples(
    st.sampled_from(
        ["source_topic", "source_partition", "source_offset", "error_code", "attempts", "last_failed_at", "x"]
    )
    | st.text(),
    st.none() | st.binary(max_size=20) | st.sampled_from([b"7", b"-1", b"9" * 30, "٣".encode()]),
)


@given(
    key=st.none() | st.binary(max_size=20),
    value=st.none() | st.binary(max_size=50) | st.just(encode(a.delivery())),
    headers=st.lists(HEADER, max_size=9),
)
def test_whatever_stands_there_becomes_a_row_that_mongodb_takes(key: Any, value: Any, headers: Any) -> None:
    row = letter_row(Channel.SMS, KafkaRecord(DLQ, 0, 3, key, value, headers, a.NOON), a.NOON)
    bson.encode(dict(row))
    msgspec.json.encode(detail(row, None))
