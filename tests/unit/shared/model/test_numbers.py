from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model import ids
from shared.model.numbers import BITS, ids_between, number_of


@given(st.text(min_size=1))
def test_a_number_leads_back_to_its_id(text: str) -> None:
    id_ = ids.derive("notification", text)
    number = number_of(id_)
    assert 0 <= number < 2**BITS
    first, last = ids_between(number)
    assert first <= id_ <= last, "as texts, since a database compares them so"


@given(st.integers(0, 2**BITS - 1))
def test_what_lies_between_two_ids_is_all_that_has_the_number(number: int) -> None:
    first, last = ids_between(number)
    assert number_of(first) == number_of(last) == number
    if number:
        assert ids_between(number - 1)[1] < first


def test_every_reader_of_json_takes_it_whole() -> None:
    assert int(float(2**BITS - 1)) == 2**BITS - 1


def test_different_ids_have_different_numbers() -> None:
    assert len({number_of(ids.derive("test", number)) for number in range(20_000)}) == 20_000


@pytest.mark.parametrize("number", [-1, 2**BITS, 1 << 200])
def test_other_numbers_are_nobodys(number: int) -> None:
    with pytest.raises(ValueError, match="53 bits"):
        ids_between(number)


@pytest.mark.parametrize("text", ["", "n1", "6f0c3c6e"])
def test_what_is_no_id_has_no_number(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        number_of(text)
