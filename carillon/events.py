"""CloudEvents 1.0 as Kafka records: the binary mode of the Kafka protocol binding."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from carillon.json_values import encode

LONGEST_ATTRIBUTE: Final = 65_536
"""Characters the platform takes in all attributes together, so also in one."""
RESERVED: Final = frozenset({"data", "datacontenttype"})
"""No names of extensions: an event's data, and what this client says of it."""
NEVER_EMPTY: Final = frozenset(
    ("id", "source", "type", "specversion", "time", "subject", "dataschema", "partitionkey", "tenant")
)
"""What CloudEvents (and the platform) call a string with at least one character; other extensions may be empty."""
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
    read, which nobody would notice after the write (see `encode`), and TypeError when `data` is no JSON.
    """
    for name in extensions:
        if name in attributes or name in RESERVED:
            raise ValueError(f"{name} has a meaning of its own: it is no extension")
    given = {name: value for name, value in attributes.items() if value is not None} | dict(extensions)
    for name, value in given.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no attribute name: 1 to 40 lower-case letters and digits")
        least = 1 if name in NEVER_EMPTY else 0
        if not least <= len(value) <= LONGEST_ATTRIBUTE or _CONTROL.search(value):
            raise ValueError(f"{name} must have {least} to {LONGEST_ATTRIBUTE} characters without control characters")
    if sum(map(len, given.values())) > LONGEST_ATTRIBUTE:
        raise ValueError(f"the attributes must have {LONGEST_ATTRIBUTE} characters at most, together")
    key = given.get("partitionkey") or given.get("subject")
    headers = [(f"ce_{name}", value.encode()) for name, value in given.items()]
    headers.append(("content-type", b"application/json"))
    return EventRecord(key.encode() if key else None, encode(data), headers)
