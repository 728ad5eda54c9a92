"""What strict JSON takes, every later hop can carry; what one of them could not, it refuses."""

from __future__ import annotations

import json
from typing import Any

import bson
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.errors import Invalid
from shared.model.strict_json import MAX_DEPTH, loads

INT64 = st.integers(-(2**63), 2**63 - 1)
KEYS = st.text(max_size=8).filter(lambda name: "\0" not in name) | st.sampled_from(["a:b", ":", "$where", "a.b", ""])
TEXTS = st.text(max_size=12) | st.sampled_from([":", '"a":1', "{[", "]}", "1" * 25, "\\u003a"])
VALUES = st.recursive(
    st.none() | st.booleans() | INT64 | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=30,
)


@given(VALUES, st.booleans())
def test_what_is_valid_is_taken_as_it_is(value: Any, ascii_only: bool) -> None:
    try:
        raw = json.dumps(value, ensure_ascii=ascii_only).encode()
    except UnicodeEncodeError:
        return
    if "\\ud" in raw.decode() and not _is_utf8(value):
        return
    assert loads(raw) == value


def _is_utf8(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


TOKENS = st.sampled_from(
    ["{", "}", "[", "]", ":", ",", '"a"', '"b":', '"a":', "1", "-0", "1e308", "1e400", "NaN", "9223372036854775808",
     "-9223372036854775809", "18446744073709551616", '"\\ud800"', '"\\u0000":', '"\\u003a"', "true", "null", " ", '":"']
)  # fmt: skip


@given(st.lists(TOKENS, max_size=14).map("".join) | st.binary(max_size=20).map(lambda raw: raw.decode("latin-1")))
def test_what_is_taken_can_be_carried(text: str) -> None:
    try:
        value = loads(text.encode())
    except Invalid:
        return
    bson.encode({"value": value})
    orjson.dumps(value).decode()
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    pairs: list[bool] = []
    json.loads(text, object_pairs_hook=lambda found: pairs.append(len(dict(found)) == len(found)))
    assert all(pairs)


REFUSED = [
    b"", b" ", b"{", b"nul", b"{} {}", b"\xff", b'"\xed\xa0\x80"', b'{"a":NaN}', b"Infinity", b"1e999", b'"\\ud83d"',
    b'{"a":1,"a":2}', b'{"a":{"b":1,"b":":"}}', b'{"a":1,"\\u0061":2}', b'{"a":1,"a":"\\u003a"}', b'{"a":"x:y","a":1}',
    b'{"\\u0000":1}', b'{"a":{"b\\u0000":1}}', b"9223372036854775808", b"-9223372036854775809", b"1" * 400,
    b"[" * 33 + b"]" * 33, b'{"a":' * 33 + b"1" + b"}" * 33, b"[" * 100_000, b"[" * 1000 + b"]" * 1000,
    b'[{"a":' * 17 + b"1" + b"}]" * 17, b'["]",' * 33 + b"1" + b',"["]' * 33, b"'a'", b"[1,]", b"01",
]  # fmt: skip


@pytest.mark.parametrize("raw", REFUSED, ids=lambda raw: repr(raw[:24]))
def test_refused(raw: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        loads(raw)
    assert caught.value.code == "invalid_json"


TAKEN = [
    b"9223372036854775807", b"-9223372036854775808", b'"9223372036854775808"', b'{"a":"{{{{[[[[:::"}', b'"\\u003a\\u0000"',
    b"[" * 32 + b"]" * 32, b"[" + b"{}," * 999 + b"{}]", b'"\\ud83d\\ude00"', b'{"a":{"x":1},"b":{"x":1}}', b"1e308",
    b"\xef\xbb\xbf{}",
]  # fmt: skip


@pytest.mark.parametrize("raw", TAKEN, ids=lambda raw: repr(raw[:24]))
def test_taken(raw: bytes) -> None:
    assert loads(raw) == json.loads(raw)


def test_the_pointer_names_where_it_is_too_deep() -> None:
    with pytest.raises(Invalid) as caught:
        loads(b'{"a/b":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}")
    assert caught.value.pointer == "/a~1b" + "/0" * (MAX_DEPTH - 1)
