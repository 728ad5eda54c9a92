"""CloudEvents over HTTP and Kafka: structured, binary and batch mode.

Spec: CloudEvents v1.0.2, JSON format, HTTP and Kafka protocol bindings.
"""

from __future__ import annotations

import re
from base64 import b64decode
from codecs import BOM_UTF8
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import unquote

import orjson

from shared.model.errors import Invalid, InvalidEvent
from shared.model.events import Event, event
from shared.model.outputs import Headers
from shared.model.strict_json import escape, loads

STRUCTURED: Final = "application/cloudevents+json"


BATCH: Final = "application/cloudevents-batch+json"


JSON: Final = "application/json"


CONTENT_TYPE: Final = "content-type"


_KAFKA_PREFIX: Final = "ce_"


_QUOTED_PAIR = re.compile(r"\\(.)")


def from_structured(raw: bytes) -> Event:
    """One event in the JSON format."""
    return _from_object(_load(raw))


def from_batch(raw: bytes, *, most: int) -> list[Event | InvalidEvent]:
    """A JSON batch: what is wrong with an event stands in its place, its pointer relative to the event."""
    return _batch(_load(raw), most)


def from_json(raw: bytes, *, most: int) -> tuple[list[Event | InvalidEvent], bool]:
    """JSON of no declared mode, which must hold everything: an event, or a list of them; and whether it is a list."""
    value = _load(raw)
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, dict) and "specversion" in item for item in items[:most]):
        detail = "this is no event: there are neither ce- headers beside the data nor a specversion in the body"
        raise InvalidEvent("missing_attribute", detail, "")
    if items is value:
        return _batch(value, most), True
    return [_from_object(value)], False


def _batch(value: object, most: int) -> list[Event | InvalidEvent]:
    if not isinstance(value, list):
        raise InvalidEvent("invalid_batch", "a batch is a JSON array of events", "")
    if len(value) > most:
        raise InvalidEvent("batch_too_large", f"{len(value)} events in one batch; send at most {most}", "")
    results: list[Event | InvalidEvent] = []
    for item in value:
        try:
            results.append(_from_object(item))
        except InvalidEvent as error:
            results.append(error)
    return results


def from_binary(headers: Iterable[tuple[str, str]], body: bytes, prefix: str = "ce-") -> Event:
    """Binary mode: attributes from `ce-` (HTTP) or `ce_` (Kafka) headers, data as it stands."""
    attributes: dict[str, str] = {}
    content_type = ""
    for name, value in headers:
        lower = name.lower()
        if lower.startswith(prefix):
            attribute = lower[len(prefix) :]
            if attribute in attributes:
                raise InvalidEvent("invalid_attribute", f"{attribute[:60]} was sent twice", _pointer(attribute))
            attributes[attribute] = _from_header(attribute, value) if prefix == "ce-" else value
        elif lower == CONTENT_TYPE:
            content_type = value
    if content_type:
        attributes["datacontenttype"] = content_type
    if content_type and not _is_json(content_type):
        raise InvalidEvent("unsupported_data", f"data must be JSON, not {content_type[:60]!r}", "/datacontenttype")
    body = body.removeprefix(BOM_UTF8)
    found = event(attributes, body or b"null")
    if body:
        _load(body, "/data")
    return found


def from_kafka(headers: Headers | None, value: bytes | None) -> Event:
    """A record of the Kafka binding with one event, in either mode. Raises InvalidEvent."""
    if value is None:
        raise InvalidEvent("null_value", "a record without a value carries no event")
    texts = _attribute_headers(headers or ())
    if _content_type(texts).startswith(STRUCTURED):
        return from_structured(value)
    return from_binary(texts, value, prefix=_KAFKA_PREFIX)


def all_from_kafka(headers: Headers | None, value: bytes | None, *, most: int) -> list[Event | InvalidEvent]:
    """Every event of a record: one, or up to `most` in a JSON batch. What is wrong stands in its event's place."""
    try:
        if value is not None and _content_type(_attribute_headers(headers or ())).startswith(BATCH):
            return from_batch(value, most=most)
        return [from_kafka(headers, value)]
    except InvalidEvent as error:
        return [error]


def to_kafka(value: Event) -> list[tuple[str, bytes]]:
    """Headers of the Kafka binding's binary mode; the record's value is `data` as it stands."""
    headers = [(f"ce_{name}", text.encode()) for name, text in value.attributes.items() if name != "datacontenttype"]
    headers.append((CONTENT_TYPE, value.attributes.get("datacontenttype", JSON).encode()))
    return headers


def _attribute_headers(headers: Headers) -> list[tuple[str, str]]:
    """The headers that are CloudEvents', as `ce_name`; all others are their senders' business, whatever they hold.

    HTTP's spelling `ce-` is taken, too, where `ce_` is not there. A null is an attribute that is not set.
    """
    found: list[tuple[str, str]] = []
    other: dict[str, bytes] = {}
    for name, raw in headers:
        lower = name.lower()
        if raw is None or not (lower.startswith((_KAFKA_PREFIX, "ce-")) or lower == CONTENT_TYPE):
            continue
        if lower.startswith("ce-"):
            other[_KAFKA_PREFIX + lower[3:]] = raw
        elif lower.isascii():
            found.append((lower, _text(name, raw)))
    if other:
        known = {name for name, _ in found}
        found += [(name, _text(name, raw)) for name, raw in other.items() if name.isascii() and name not in known]
    return found


def _text(name: str, raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise InvalidEvent("invalid_header", f"the header {name[:60]} is not UTF-8") from error


def _content_type(headers: Iterable[tuple[str, str]]) -> str:
    """In lower case; empty without one."""
    return next((text.lower() for name, text in headers if name == CONTENT_TYPE), "")


def _from_header(name: str, value: str) -> str:
    """HTTP binding 3.1.3.2: unquote, then one round of percent-decoding."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = _QUOTED_PAIR.sub(r"\1", value[1:-1])
    if not value.isascii():
        raise InvalidEvent("invalid_attribute", f"{name[:60]}: percent-encode what is not ASCII", _pointer(name))
    if "%" not in value:
        return value
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidEvent("invalid_attribute", f"{name[:60]} is not percent-encoded UTF-8", _pointer(name)) from error


def _pointer(attribute: str) -> str:
    return f"/{escape(attribute[:60])}"


def _load(raw: bytes, pointer: str = "") -> Any:
    try:
        return loads(raw)
    except Invalid as error:
        raise InvalidEvent(error.code, error.detail, pointer + (error.pointer or "")) from error


def _from_object(value: object) -> Event:
    if not isinstance(value, dict):
        raise InvalidEvent("invalid_event", "an event is a JSON object", "")
    attributes = {
        name: item for name, item in value.items() if name not in ("data", "data_base64") and item is not None
    }
    content_type = attributes.get("datacontenttype", JSON)
    if not isinstance(content_type, str) or not _is_json(content_type):
        raise InvalidEvent("unsupported_data", "data must be JSON", "/datacontenttype")
    if "data_base64" in value:
        if "data" in value:
            raise InvalidEvent("invalid_event", "data and data_base64 exclude each other", "/data_base64")
        try:
            data = b64decode(value["data_base64"], validate=True).removeprefix(BOM_UTF8)
        except (ValueError, TypeError) as error:
            raise InvalidEvent("invalid_event", "data_base64 is not base64", "/data_base64") from error
        _load(data, "/data_base64")
    else:
        data = orjson.dumps(value.get("data"))
    return event(attributes, data)


def _is_json(content_type: str) -> bool:
    media = content_type.split(";", 1)[0].strip().lower()
    return media == JSON or media.endswith("+json")
