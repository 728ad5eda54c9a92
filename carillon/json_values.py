"""JSON that the platform can carry to the end: what it would refuse, or read as something else, is not sent."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from math import isfinite
from typing import Any, Final

import orjson

MAX_DEPTH: Final = 32
INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1
_Place = tuple[Any, object] | None
"""The place of what holds it, and its name in there; None at the top. A pointer is made only for an error."""


def encode(value: Any) -> bytes:
    """`value` as JSON, dates, UUIDs, enums and dataclasses too.

    Raises ValueError with a JSON pointer (RFC 6901) for what the platform does not take: integers beyond int64,
    NaN and infinities, lone surrogates, NUL in keys, more than 32 levels. Raises TypeError for what is no JSON.
    """
    pending: list[tuple[Any, int, _Place]] = [(value, 1, None)]
    while pending:
        item, depth, place = pending.pop()
        if item is None:
            continue
        if isinstance(item, str):
            wrong = None if _is_unicode(item) else "a lone surrogate is no Unicode text"
        elif isinstance(item, int):
            wrong = None if INT64_MIN <= item <= INT64_MAX else "the integer does not fit 64 bits; send it as a string"
        elif isinstance(item, float):
            wrong = None if isfinite(item) else f"JSON has no {item}; send null or a string"
        elif isinstance(item, dict):
            wrong = _wrong_depth(depth) or next(filter(None, map(_wrong_key, item)), None)
            pending += [(child, depth + 1, (place, name)) for name, child in item.items()]
        elif isinstance(item, (list, tuple)):
            wrong = _wrong_depth(depth)
            pending += [(child, depth + 1, (place, index)) for index, child in enumerate(item)]
        else:
            wrong = None
            pending.append((_plain(item), depth, place))
        if wrong:
            raise ValueError(f"{_pointer(place) or 'the value'}: {wrong}")
    return orjson.dumps(value)


def _wrong_depth(depth: int) -> str | None:
    return None if depth <= MAX_DEPTH else f"more than {MAX_DEPTH} levels"


def _wrong_key(name: object) -> str | None:
    """What the platform would not take of a key; one that is no string is orjson's to refuse."""
    if isinstance(name, str) and ("\0" in name or not _is_unicode(name)):
        return f"the key {name[:40]!a} has a NUL or a lone surrogate"
    return None


def _plain(item: Any) -> Any:
    """What a value that is none of JSON's own types is sent as."""
    if isinstance(item, Enum):
        return item.value
    if is_dataclass(item) and not isinstance(item, type):
        return {field.name: getattr(item, field.name) for field in fields(item)}
    return orjson.loads(orjson.dumps(item))


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _pointer(place: _Place) -> str:
    tokens = []
    while place is not None:
        place, name = place
        tokens.append("/" + str(name).replace("~", "~0").replace("/", "~1"))
    return "".join(reversed(tokens))
