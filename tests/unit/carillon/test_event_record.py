"""Events as the Kafka client writes them: what the platform and the SDK read is what was given."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import orjson
import pytest
from cloudevents.v1.kafka import KafkaMessage
from cloudevents.v1.kafka import from_binary as sdk_from_binary
from hypothesis import given
from hypothesis import strategies as st

from carillon.events import LONGEST_ATTRIBUTE, event_record
from carillon.timestamps import rfc3339
from shared.model import event_codecs
from shared.model.errors import InvalidEvent
from shared.model.events import MAX_ATTRIBUTE

GOOD = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "order.shipped"}
ATTRIBUTES = {*GOOD, "time", "data", "datacontenttype"}
"""Refused as extensions whatever they say."""
NAMES = st.from_regex(r"[a-z0-9]{1,40}", fullmatch=True).filter(lambda name: name not in ATTRIBUTES)
TEXTS = st.text(st.characters(), max_size=9)
KEYS = st.text(st.characters(), max_size=5)
NUMBERS = st.integers(-(2**65), 2**65) | st.sampled_from([-(2**63) - 1, -(2**63), 2**63 - 1, 2**63]) | st.floats()
DATA = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


def nested(levels: int) -> Any:
    """Lists and objects in one another, `levels` of them."""
    value: Any = None
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


def check(more: dict[str, str], data: Any) -> None:
    """Either the platform reads what is written, or it could not have read it."""
    attributes = GOOD | more
    try:
        record = event_record(GOOD, data, more)
    except ValueError:
        headers = [(f"ce_{name}", text.encode(errors="surrogatepass")) for name, text in attributes.items()]
        with pytest.raises(InvalidEvent):
            event_codecs.from_kafka(headers, json.dumps(data).encode())
        return
    event = event_codecs.from_kafka(record.headers, record.value)
    assert event.attributes == attributes | {"datacontenttype": "application/json"}
    assert orjson.loads(event.data) == data
    assert record.key == event.key


@given(st.dictionaries(NAMES, TEXTS, max_size=3))
def test_attributes_are_written_if_and_only_if_the_platform_can_read_them(more: dict[str, str]):
    check(more, None)


@pytest.mark.parametrize("name", ["subject", "dataschema", "partitionkey", "tenant", "shelf"])
def test_an_empty_value_is_written_if_and_only_if_the_platform_takes_it(name: str):
    check({name: ""}, None)


@given(DATA | st.integers(29, 36).map(nested))
def test_data_is_written_if_and_only_if_the_platform_can_read_it(data: Any):
    check({}, data)


def test_the_sdk_reads_it_too():
    record = event_record(GOOD | {"subject": "ana", "traceparent": "x"}, {"a": "é"})
    theirs = sdk_from_binary(KafkaMessage(headers=dict(record.headers), key=record.key, value=record.value))
    assert {name: theirs[name] for name in (*GOOD, "subject", "traceparent")} == {
        **GOOD,
        "subject": "ana",
        "traceparent": "x",
    }
    assert theirs.data == {"a": "é"}


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({}, None),
        ({"subject": "ana", "partitionkey": None}, b"ana"),
        ({"subject": "ana", "partitionkey": "acme"}, b"acme"),
    ],
)
def test_the_key_is_the_partition_key_or_the_subject(more, key):
    assert event_record(GOOD | more, None).key == key


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"Trace": "x"}, "'Trace' is no attribute name"),
        ({"a_b": "x"}, "'a_b' is no attribute name"),
        ({"a" * 41: "x"}, "is no attribute name"),
        ({"subject": ""}, "subject must have"),
        ({"subject": "x" * (LONGEST_ATTRIBUTE + 1)}, "subject must have"),
        ({"subject": "a\nb"}, "subject must have"),
    ],
)
def test_what_nobody_could_read_is_refused_with_its_name(more, said):
    with pytest.raises(ValueError, match=said):
        event_record(GOOD | more, None)


@pytest.mark.parametrize("name", ["type", "partitionkey", "data", "datacontenttype"])
def test_an_extension_replaces_no_attribute(name):
    with pytest.raises(ValueError, match=f"{name} has a meaning of its own"):
        event_record(GOOD | {"partitionkey": None}, None, {name: "x"})


def test_the_longest_attribute_is_the_platforms():
    assert LONGEST_ATTRIBUTE == MAX_ATTRIBUTE


@pytest.mark.parametrize("data", [{1: 2}, {"a": {1}}, b"x", object()])
def test_data_that_is_no_json_is_refused(data):
    with pytest.raises(TypeError):
        event_record(GOOD, data)


def test_times_are_in_utc_and_need_a_zone():
    assert rfc3339(datetime.fromisoformat("2026-01-05T08:00:00+01:00")) == "2026-01-05T07:00:00.000Z"
    with pytest.raises(ValueError, match="zone"):
        rfc3339(datetime(2026, 1, 5))  # noqa: DTZ001  # naive on purpose
