"""Pointers to what is wrong with a body."""

from __future__ import annotations

import pytest

from shared.http.pointers import MAX_TOKEN, pointer_to


@pytest.mark.parametrize(
    ("location", "pointer"),
    [
        ((), ""),
        (("recipients", 0, "email"), "/recipients/0/email"),
        (("a/b", "m~n", ""), "/a~1b/m~0n/"),
        (("x" * (MAX_TOKEN + 1),), "/" + "x" * MAX_TOKEN),
    ],
)
def test_pointers(location: tuple[str | int, ...], pointer: str) -> None:
    assert pointer_to(location) == pointer
