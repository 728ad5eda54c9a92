"""JSON that every later hop can carry: RFC 8259, and BSON, UTF-8 and orjson must take it too.

Refused: NaN and infinities, lone surrogates, bad UTF-8 (orjson sees to these), duplicate keys, integers
beyond int64, NUL in keys, more than 32 levels.
"""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from itertools import pairwise
from typing import Any, Final

import orjson

from shared.model.errors import Invalid
from shared.model.json_text import count_members, has_nul_in_key, is_deeper, long_integers

MAX_DEPTH = 32
MAX_EXPLAINED: Final = 65_536
"""Bytes of a body that is searched, value by value, for the place that is wrong."""
INT64 = range(-(2**63), 2**63)
_DIGITS_TO_ZERO = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 19
"""After that translation; ten times faster than a pattern."""
_TELLTALE_ESCAPE = re.compile(rb"\\u00(?:00|3[aA])")
"""NUL, and the colon that could hide a lost one."""


def loads(raw: bytes) -> Any:
    """The value of `raw`, which may begin with a byte order mark.

    Raises Invalid with code `invalid_json` and a pointer where one is known.
    """
    raw = raw.removeprefix(BOM_UTF8)
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Invalid("invalid_json", str(error)) from error
    # Cheap signs first; only a body that shows one is looked at exactly. A duplicate key loses a colon on
    # the way back to text, and nothing but an escape could bring it back.
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and is_deeper(raw, MAX_DEPTH):
        _explain(raw)
        raise Invalid("invalid_json", f"more than {MAX_DEPTH} levels")
    written = orjson.dumps(value)
    escaped = _TELLTALE_ESCAPE.search(raw) is not None
    if (escaped or raw.count(b":") != written.count(b":")) and count_members(raw) != count_members(written):
        _explain(raw)
        raise Invalid("invalid_json", "a key stands twice in one object")
    if _LONG_NUMBER in raw.translate(_DIGITS_TO_ZERO):
        for digits in long_integers(raw):
            _int64(digits.decode())
    if escaped and has_nul_in_key(raw):
        raise Invalid("invalid_json", "a key contains NUL")
    return value


def _explain(raw: bytes) -> None:
    """Says more precisely what is wrong with a body, unless that takes too long: raises Invalid with the name, or the pointer."""
    if len(raw) > MAX_EXPLAINED:
        return
    try:
        value = json.loads(raw, object_pairs_hook=_unique)
    except RecursionError as error:
        raise Invalid("invalid_json", f"more than {MAX_DEPTH} levels") from error
    pending: list[tuple[object, int, str]] = [(value, 1, "")]
    while pending:
        item, depth, pointer = pending.pop()
        if not isinstance(item, dict | list):
            continue
        if depth > MAX_DEPTH:
            raise Invalid("invalid_json", f"more than {MAX_DEPTH} levels", pointer)
        children = item.items() if isinstance(item, dict) else enumerate(item)
        for name, child in children:
            pending.append((child, depth + 1, f"{pointer}/{escape(str(name))}"))


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = sorted(name for name, _ in pairs)
        twice = next(name for name, following in pairwise(names) if name == following)
        raise Invalid("invalid_json", f"the key {twice!r} stands twice in one object")
    return result


def _int64(digits: str) -> None:
    value = int(digits) if len(digits) < 21 else 2**63
    if value not in INT64:
        raise Invalid("invalid_json", f"the integer {digits[:24]} does not fit 64 bits; send it as a string")


def escape(name: str) -> str:
    """`name` as one reference token of an RFC 6901 pointer."""
    return name.replace("~", "~0").replace("/", "~1")
