"""However a body of 1 MiB is made, reading it takes no work for each of its values."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable

import pytest

from services.ingest.models.notifications import read_send
from shared.model.errors import Invalid, InvalidEvent
from shared.model.events import MAX_ATTRIBUTES, event
from shared.model.strict_json import loads

MIB = 1_048_576
MAX_CALLS = 1000


def calls_of(work: Callable[[], object]) -> int:
    """Functions that are called meanwhile, those in C too."""
    counted = 0

    def count(_: object, kind: str, __: object) -> None:
        nonlocal counted
        counted += kind in ("call", "c_call")

    gc.disable()  # who watches it would be counted
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
        gc.enable()
    return counted


def a_list_of(item: bytes, last: bytes) -> bytes:
    return b"[" + (item + b",") * ((MIB - len(last) - 2) // (len(item) + 1)) + last + b"]"


LONG = b"1234567890123456789"
TAKEN = {
    "lists": a_list_of(b"[]", b"1"),
    "lists, a long integer": a_list_of(b"[]", LONG),
    "numbers, a long integer": a_list_of(b"1", LONG),
    "strings, a long integer": a_list_of(b'""', LONG),
    "objects, escapes": a_list_of(b'{"a":1}', b'"\\u003a\\u0000"'),
    "deep lists": a_list_of(b"[" * 31 + b"]" * 31, b"1"),
    "deep objects": a_list_of(b'{"a":' * 31 + b"1" + b"}" * 31, LONG),
    "brackets in strings": a_list_of(b'"["', b"[]"),
}


@pytest.mark.parametrize("raw", TAKEN.values(), ids=TAKEN.keys())
def test_what_is_taken(raw: bytes) -> None:
    assert len(raw) > 0.99 * MIB
    assert calls_of(lambda: loads(raw)) < MAX_CALLS


REFUSED = {
    "one key twice": (a_list_of(b'{"k":1}', b'{"k":1,"k":1}'), "twice"),
    "every key twice": (a_list_of(b'{"k":1,"k":1}', b"1"), "twice"),
    "too deep": (a_list_of(b"[]", b"[" * 40 + b"]" * 40), "levels"),
    "too deep everywhere": (a_list_of(b"[" * 40 + b"]" * 40, b"1"), "levels"),
    "a long integer": (a_list_of(b"[]", b"9" * 19), "64 bits"),
    "NUL in the last key": (a_list_of(b'{"k":1}', b'{"\\u0000":1}'), "NUL"),
}


@pytest.mark.parametrize(("raw", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(raw: bytes, why: str) -> None:
    def refused() -> None:
        with pytest.raises(Invalid, match=why):
            loads(raw)

    assert calls_of(refused) < MAX_CALLS


def test_what_is_wrong_in_a_small_body_is_named() -> None:
    with pytest.raises(Invalid, match="the key 'k' stands twice"):
        loads(b'[{"k":1,"k":2}]')


def test_a_body_of_nothing_but_fields_is_not_searched_for_what_was_meant() -> None:
    value = {f"recipient{number}": 1 for number in range(60_000)}

    def refused() -> None:
        with pytest.raises(Invalid, match="60000 fields"):
            read_send(value, 0)

    assert calls_of(refused) < MAX_CALLS


def test_an_event_has_no_more_attributes_than_its_record_may_have_headers() -> None:
    """Else it would be accepted, and be unreadable on Kafka."""
    few = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}
    most = few | {f"x{number}": "v" for number in range(MAX_ATTRIBUTES - len(few))}
    assert len(event(most, b"null").attributes) == MAX_ATTRIBUTES

    def refused() -> None:
        with pytest.raises(InvalidEvent, match="attributes"):
            event(most | {f"y{number}": "v" for number in range(80_000)}, b"null")

    assert calls_of(refused) < 100_000  # the test's own
