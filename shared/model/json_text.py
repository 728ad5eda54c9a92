"""Questions to the text of valid JSON, answered without a walk through its values: a MiB of `[[],[],…` takes milliseconds.

Each function takes text that a parser has accepted.
"""

from __future__ import annotations

import re
from itertools import accumulate, chain
from operator import sub
from typing import Final

_NUL: Final = b"\\u0000"
_NO_MARKS: Final = bytes(set(range(256)) - set(b'[]{}"'))
_TO_SQUARE: Final = bytes.maketrans(b"{}", b"[]")
_UP: Final = re.compile(rb"\[+")
_DOWN: Final = re.compile(rb"\]+")
_LONG_NUMBER: Final = re.compile(rb"[\d.eE+-]{19,}")


def is_deeper(raw: bytes, most: int) -> bool:
    """Whether anything stands at more than `most` levels of lists and objects."""
    # What is left of two strings side by side is as good as one: only what stands outside counts.
    marks = _unescaped(raw).translate(None, _NO_MARKS).replace(b'""', b"")
    marks = b"".join(marks.split(b'"')[::2]).translate(_TO_SQUARE)
    # The innermost level of each place goes, and again: what is wide is soon short, and what is left has few slopes.
    taken = min(most, 4)
    for _ in range(taken):
        marks = marks.replace(b"[]", b"")
    if not marks:
        return False
    ups, downs = map(len, _UP.findall(marks)), map(len, _DOWN.findall(marks))
    peak: int = max(accumulate(map(sub, ups, chain((0,), downs))))
    return taken + peak > most


def count_members(raw: bytes) -> int:
    """The members of all objects, each as often as it stands there."""
    return _outside_strings(raw).count(b":")


def long_integers(raw: bytes) -> list[bytes]:
    """The integers of 19 digits and more, with their sign."""
    found = _LONG_NUMBER.findall(_outside_strings(raw))
    return [number for number in found if number.removeprefix(b"-").isdigit()]


def has_nul_in_key(raw: bytes) -> bool:
    """Whether the name of a member contains NUL."""
    text = _unescaped(raw)
    if _NUL not in text:
        return False
    parts = text.split(b'"')
    behind = [after for inside, after in zip(parts[1::2], parts[2::2], strict=False) if _NUL in inside]
    return any(after.lstrip().startswith(b":") for after in behind)


def _unescaped(raw: bytes) -> bytes:
    """Without escaped backslashes and quotes: every quote that is left begins or ends a string."""
    return raw.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in raw else raw


def _outside_strings(raw: bytes) -> bytes:
    return b'"'.join(_unescaped(raw).split(b'"')[::2])
