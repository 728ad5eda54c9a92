"""The type system of CloudEvents (v1.0.2, section 3.1), and W3C Trace Context in an event."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from shared.model.errors import InvalidEvent
from shared.model.event_codecs import from_kafka, from_structured
from shared.model.events import Event

GOOD: dict[str, Any] = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "order.shipped"}
TEXTS = (
    "id",
    "source",
    "type",
    "specversion",
    "subject",
    "time",
    "dataschema",
    "datacontenttype",
    "partitionkey",
    "tenant",
)
VALID = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
INVALID = [
    "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
    "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
    VALID + "-more",
    "rubbish",
]


def read(**changes: Any) -> Event:
    return from_structured(orjson.dumps(GOOD | changes))


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("value", [0, 1, True, False, 1.5, [], {}], ids=repr)
def test_what_the_specification_calls_a_string_is_none_of_another_type(name: str, value: object) -> None:
    with pytest.raises(InvalidEvent) as refused:
        read(**{name: value})
    assert refused.value.pointer == f"/{name}"


def test_extensions_may_be_of_each_type_of_the_json_format() -> None:
    attributes = read(text="a", yes=True, no=False, least=-(2**31), most=2**31 - 1).attributes
    given = {name: attributes[name] for name in ("text", "yes", "no", "least", "most")}
    assert given == {"text": "a", "yes": "true", "no": "false", "least": "-2147483648", "most": "2147483647"}


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 1.5, [], {}], ids=repr)
def test_an_extension_of_no_such_type_is_refused(value: object) -> None:
    with pytest.raises(InvalidEvent):
        read(ext=value)


def test_an_extension_may_be_empty_and_what_must_not_be_is_refused() -> None:
    """Dapr sends an empty `tracestate` with every event."""
    assert read(tracestate="").attributes["tracestate"] == ""
    for name in ("id", "source", "type", "specversion", "subject", "dataschema", "partitionkey"):
        with pytest.raises(InvalidEvent):
            read(**{name: ""})


def test_a_valid_trace_goes_on() -> None:
    later = "01" + VALID[2:] + "-of-a-later-version"
    for trace in (VALID, later):
        attributes = read(traceparent=trace, tracestate="a=b").attributes
        assert (attributes["traceparent"], attributes["tracestate"]) == (trace, "a=b")
    assert "traceparent" not in read().attributes


@pytest.mark.parametrize("trace", INVALID)
def test_an_invalid_trace_becomes_a_new_one_the_same_at_each_reading(trace: str) -> None:
    headers = [(f"ce_{name}", value.encode()) for name, value in GOOD.items()]
    headers += [("ce_traceparent", trace.encode()), ("ce_tracestate", b"a=b")]
    first, again = from_kafka(headers, b"{}").attributes, read(traceparent=trace).attributes
    assert first["traceparent"] == again["traceparent"] != trace
    assert read(traceparent=first["traceparent"]).attributes["traceparent"] == first["traceparent"]
    assert "tracestate" not in first, "it belongs to the trace that was lost"
    assert read(id="2", traceparent=trace).attributes["traceparent"] != first["traceparent"]
