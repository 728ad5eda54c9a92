"""Event types that start a workflow: exact, or by a prefix that ends at a dot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.errors import InvalidWorkflow
from shared.model.event_types import MAX_TYPE, check_event_type, starting_types

words = st.lists(st.text("abc-_", min_size=1, max_size=3), min_size=1, max_size=5).map(".".join)


@pytest.mark.parametrize("written", ["a", "com.example.order.shipped", "com.example.*", "a.*", "Order Shipped", "a/b"])
def test_what_may_start_one(written: str) -> None:
    check_event_type(written, "/on/0")


@pytest.mark.parametrize(
    "written", ["", "*", ".*", "com.*.shipped", "com.example*", "com.**", "a\n", "a" * (MAX_TYPE + 1)]
)
def test_what_may_not(written: str) -> None:
    with pytest.raises(InvalidWorkflow) as refused:
        check_event_type(written, "/on/0")
    assert refused.value.pointer == "/on/0"


def test_itself_and_each_prefix_start_it() -> None:
    assert starting_types("com.example.order.shipped") == [
        "com.example.order.shipped", "com.example.order.*", "com.example.*", "com.*",
    ]  # fmt: skip
    assert starting_types("shipped") == ["shipped"]


@given(words, words)
def test_a_prefix_starts_what_goes_on_behind_its_dot_and_nothing_else(prefix: str, event_type: str) -> None:
    assert (f"{prefix}.*" in starting_types(event_type)) is event_type.startswith(f"{prefix}.")


@given(words)
def test_it_is_started_by_itself_first_and_by_nothing_twice(event_type: str) -> None:
    found = starting_types(event_type)
    assert found[0] == event_type
    assert len(set(found)) == len(found)


def test_a_type_of_very_many_words_makes_no_more_prefixes_than_may_be_written() -> None:
    found = starting_types("a." * 32_000 + "a")
    assert len(found) <= 1 + MAX_TYPE // 2
    assert max(map(len, found[1:])) <= MAX_TYPE + 1
    assert found[-1] == "a.*"


@given(words)
def test_the_longest_prefix_comes_first(event_type: str) -> None:
    parts = event_type.split(".")
    assert starting_types(event_type)[1:] == [f"{'.'.join(parts[:n])}.*" for n in range(len(parts) - 1, 0, -1)]
