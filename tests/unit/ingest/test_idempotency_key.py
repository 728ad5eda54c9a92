"""The Idempotency-Key header as it is read."""

from __future__ import annotations

import pytest

from services.ingest.idempotency import MOST, parse_key
from shared.http.problems import Problem

TAKEN = [
    ('"abc"', "abc"),
    ("abc", "abc"),
    (" abc ", "abc"),
    ('"a\\"b\\\\c"', 'a"b\\c'),
    ("6f1c0b5e-8d7e-4f0a-9f5d-0c6a3f1f2b11", "6f1c0b5e-8d7e-4f0a-9f5d-0c6a3f1f2b11"),
    ('"' + "x" * MOST + '"', "x" * MOST),
    ("order 7 shipped", "order 7 shipped"),
]


@pytest.mark.parametrize(("header", "key"), TAKEN)
def test_taken(header: str, key: str) -> None:
    assert parse_key(header) == key


@pytest.mark.parametrize("header", ["", " ", '""', '"abc', 'a"b', "x" * 256, "ä", "a\x01b", '"a\\b"', '"a"; p=1'])
def test_refused(header: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_key(header)
    assert (caught.value.status, caught.value.code) == (400, "invalid_idempotency_key")


def test_none_is_none() -> None:
    assert parse_key(None) is None
