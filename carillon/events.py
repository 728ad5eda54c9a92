"""CloudEvents 1.0 as Kafka records: the binary mode of the Kafka protocol binding."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import orjson

LONGEST_ATTRIBUTE: Final = 65_536
"""Characters the platform takes in all attributes together, so also in one."""
_NAME = re.compile(r"[a-z0-9]{1,40}")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


class EventRecord(NamedTuple):
    """What is written for one event."""

    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]


def event_record(
    attributes: Mapping[str, str | None], data: Any, extensions: Mapping[str, str] = MappingProxyType({})
) -> EventRecord:
    """The record of an event; attributes that are None are left out. `data` is anything that JSON can say.

    The key is `partitionkey`, else `subject`, else None. Raises ValueError for what the platform could not
    read, which nobody would notice after the write, and TypeError when `data` is no JSON.
    """
    for name in extensions:
        if name in attributes or name == "datacontenttype":
            raise ValueError(f"{name} is an attribute with a meaning of its own, not an extension")
    given = {name: value for name, value in attributes.items() if value is not None} | dict(extensions)
    for name, value in given.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no attribute name: 1 to 40 lower-case letters and digits")
        if not 0 < len(value) <= LONGEST_ATTRIBUTE or _CONTROL.search(value):
            raise ValueError(f"{name} must have 1 to {LONGEST_ATTRIBUTE} characters without control characters")
    if sum(map(len, given.values())) > LONGEST_ATTRIBUTE:
        raise ValueError(f"the attributes must have {LONGEST_ATTRIBUTE} characters at most, together")
    key = given.get("partitionkey") or given.get("subject")
    headers = [(f"ce_{name}", value.encode()) for name, value in given.items()]
    headers.append(("content-type", b"application/json"))
    return EventRecord(key.encode() if key else None, orjson.dumps(data), headers)
