"""Our CloudEvents against the SDK, in both modes and directions, and what is refused."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from cloudevents.v1.conversion import to_binary, to_structured
from cloudevents.v1.http import CloudEvent, from_http
from cloudevents.v1.kafka import KafkaMessage
from cloudevents.v1.kafka import from_binary as sdk_from_binary
from cloudevents.v1.kafka import to_binary as sdk_to_binary
from cloudevents.v1.kafka import to_structured as sdk_to_structured
from hypothesis import given
from hypothesis import strategies as st

from shared.model import event_codecs, events
from shared.model.errors import InvalidEvent

GOOD: dict[str, Any] = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "order.shipped"}
ATTRIBUTES = {
    "id": "1",
    "source": "/shop",
    "type": "order.shipped",
    "subject": "o 7",
    "partitionkey": "k",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
}
CARRIED = {name: value for name, value in ATTRIBUTES.items() if name != "partitionkey"}
"""The SDK moves the partition key from the attributes into the record's key, and back as bytes."""
WORDS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20).map(str.strip).filter(bool)
DATA = st.dictionaries(st.text(max_size=5), st.integers(-1000, 1000) | st.text(max_size=9), max_size=4).filter(
    lambda data: not any("\0" in key for key in data)
)


def sdk_event(data: Any, **attributes: str) -> CloudEvent:
    return CloudEvent({**ATTRIBUTES, **attributes}, data)


@given(DATA, WORDS)
def test_the_sdk_writes_and_we_read(data: dict[str, Any], subject: str) -> None:
    event = sdk_event(data, subject=subject)
    _, body = to_structured(event)
    ours = event_codecs.from_structured(body)
    assert ours.attributes["subject"] == subject
    assert orjson.loads(ours.data) == data
    plain = sdk_event(data, subject="o%25")
    headers, body = to_binary(plain)
    ours = event_codecs.from_binary([*headers.items(), ("Content-Type", "application/json")], body)
    assert ours.attributes["subject"] == "o%"
    assert orjson.loads(ours.data) == data


@given(DATA)
def test_we_write_to_kafka_and_the_sdk_reads(data: dict[str, Any]) -> None:
    ours = event_codecs.from_structured(to_structured(sdk_event(data))[1])
    message = KafkaMessage(headers=dict(event_codecs.to_kafka(ours)), key=ours.key, value=ours.data)
    theirs = sdk_from_binary(message)
    assert {name: theirs[name] for name in CARRIED} == CARRIED
    assert theirs.data == data
    assert ours.key == b"k"


def test_the_sdk_writes_to_kafka_and_we_read() -> None:
    event = sdk_event({"a": "é"}, datacontenttype="application/json")
    for write, content_type in (
        (sdk_to_binary, b"application/json"),
        (sdk_to_structured, b"application/CloudEvents+json"),
    ):
        message = write(event)
        headers = message.headers | {"content-type": content_type}  # the SDK says the data's type in both modes
        ours = event_codecs.from_kafka(list(headers.items()), message.value)
        assert {name: ours.attributes[name] for name in CARRIED} == CARRIED
        assert orjson.loads(ours.data) == {"a": "é"}


def test_what_we_read_as_structured_the_sdk_reads_alike() -> None:
    raw = orjson.dumps({**GOOD, "time": "2026-01-05T10:11:12Z", "priority": 5, "urgent": True, "data": [1, None]})
    ours, theirs = event_codecs.from_structured(raw), from_http({"content-type": event_codecs.STRUCTURED}, raw)
    assert ours.attributes["priority"] == str(theirs["priority"]) == "5"
    assert ours.attributes["urgent"] == "true"
    assert orjson.loads(ours.data) == theirs.data


WRONG = [
    *[({name: None}, "missing_attribute", f"/{name}") for name in events.REQUIRED],
    *[({name: value}, "invalid_attribute", f"/{name}") for name in ("id", "source", "type") for value in ("", 1.5, [], {}, "a\nb", "x" * 65_537)],
    ({"specversion": "0.3"}, "unknown_specversion", "/specversion"),
    ({"specversion": 1}, "unknown_specversion", "/specversion"),
    ({"Upper": "x"}, "invalid_attribute", "/Upper"),
    ({"with-dash": "x"}, "invalid_attribute", "/with-dash"),
    ({"ext": {"a": 1}}, "invalid_attribute", "/ext"),
    ({"subject": "a\x85b"}, "invalid_attribute", "/subject"),
    *[({"time": value}, "invalid_attribute", "/time") for value in ("now", "2026-01-05", "2026-13-05T10:11:12Z", "2026-01-05T10:11:12", 5)],
    ({"datacontenttype": "text/xml"}, "unsupported_data", "/datacontenttype"),
    ({"datacontenttype": 7}, "unsupported_data", "/datacontenttype"),
    ({"data_base64": "%%"}, "invalid_event", "/data_base64"),
    ({"data_base64": 7}, "invalid_event", "/data_base64"),
    ({"data_base64": "AAAA"}, "invalid_json", "/data_base64"),
    ({"data_base64": "e30=", "data": 1}, "invalid_event", "/data_base64"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "code", "pointer"), WRONG, ids=lambda part: repr(part)[:40])
def test_a_wrong_event_is_refused_with_a_pointer(change: dict[str, Any], code: str, pointer: str) -> None:
    whole = {name: value for name, value in {**GOOD, **change}.items() if value is not None}
    with pytest.raises(InvalidEvent) as caught:
        event_codecs.from_structured(orjson.dumps(whole))
    assert (caught.value.code, caught.value.pointer) == (code, pointer)


@pytest.mark.parametrize(
    "time",
    ["2026-01-05T10:11:12Z", "2026-01-05t10:11:12.123456789z", "2016-12-31T23:59:60Z", "2026-01-05T10:11:12-05:30"],
)
def test_times(time: str) -> None:
    assert event_codecs.from_structured(orjson.dumps({**GOOD, "time": time})).attributes["time"] == time


def test_binary_headers_over_http() -> None:
    headers = [
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("Ce-Source", "/s"),
        ("ce-type", "t"),
        ("content-type", "application/json"),
    ]
    assert event_codecs.from_binary([*headers, ("ce-subject", "%C3%BC%25")], b"{}").attributes["subject"] == "ü%"
    assert event_codecs.from_binary([*headers, ("ce-subject", '"a \\"b\\""')], b"{}").attributes["subject"] == 'a "b"'
    assert event_codecs.from_binary(headers, b"").data == b"null"
    for extra in (
        ("ce-subject", "%FF"),
        ("ce-subject", "ü"),
        ("ce-id", "2"),
        ("ce-subject", "%0d%0a"),
        ("ce-subject", ""),
    ):
        with pytest.raises(InvalidEvent):
            event_codecs.from_binary([*headers, extra], b"{}")
    with pytest.raises(InvalidEvent):
        event_codecs.from_binary([*headers[:-1], ("content-type", "text/plain")], b"x")
    with pytest.raises(InvalidEvent):
        event_codecs.from_binary(headers, b"{")


def test_a_batch_names_each_bad_event_and_keeps_the_good() -> None:
    found = event_codecs.from_batch(orjson.dumps([GOOD, {**GOOD, "id": ""}, 7]), most=3)
    assert [type(item).__name__ for item in found] == ["Event", "InvalidEvent", "InvalidEvent"]
    for raw, code in ((b"{}", "invalid_batch"), (orjson.dumps([GOOD] * 4), "batch_too_large"), (b"[", "invalid_json")):
        with pytest.raises(InvalidEvent) as caught:
            event_codecs.from_batch(raw, most=3)
        assert caught.value.code == code


def test_poison_on_kafka() -> None:
    for headers, value, code in (
        ([], None, "null_value"),
        ([("ce_id", b"\xff")], b"{}", "invalid_header"),
        ([("ce_id", None)], b"{}", "missing_attribute"),
        ([], b"{}", "missing_attribute"),
        ([("content-type", b"application/cloudevents+json")], b"\xff", "invalid_json"),
    ):
        with pytest.raises(InvalidEvent) as caught:
            event_codecs.from_kafka(headers, value)
        assert caught.value.code == code


BINARY = [("ce_specversion", b"1.0"), ("ce_id", b"1"), ("ce_source", b"/s"), ("ce_type", b"t")]


def test_headers_that_are_not_ours_are_none_of_our_business_on_kafka() -> None:
    foreign = [("b3", None), ("x-trace", b"\xc3\x28"), ("x-\udcff", b"\xff"), ("ce_\udcff", b"1"), ("ce_subject", None)]
    event = event_codecs.from_kafka([*foreign, *BINARY], b"{}")
    assert event.attributes == {"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}


def test_hyphens_are_taken_on_kafka_and_underscores_win() -> None:
    hyphens = [(name.replace("_", "-"), raw) for name, raw in BINARY]
    assert event_codecs.from_kafka(hyphens, b"{}").id == "1"
    assert event_codecs.from_kafka([("ce-id", b"other"), *BINARY], b"{}").id == "1"


def test_a_batch_on_kafka_is_each_of_its_events() -> None:
    value = orjson.dumps([GOOD, {**GOOD, "id": ""}])
    headers = [("Content-Type", b"application/cloudevents-batch+json; charset=UTF-8")]
    found = event_codecs.all_from_kafka(headers, value, most=2)
    assert [type(item).__name__ for item in found] == ["Event", "InvalidEvent"]
    for wrong in ((headers, value, 1), (headers, None, 9), ([("ce_id", b"\xff")], b"{}", 9)):
        [error] = event_codecs.all_from_kafka(wrong[0], wrong[1], most=wrong[2])
        assert isinstance(error, InvalidEvent)


def test_attributes_may_be_long_as_long_as_all_of_them_fit() -> None:
    long = {**GOOD, "type": "t" * 30_000, "subject": "s" * 30_000}
    assert len(event_codecs.from_structured(orjson.dumps(long)).type) == 30_000
    with pytest.raises(InvalidEvent):
        event_codecs.from_structured(orjson.dumps({**long, "source": "/" * 10_000}))
