"""What a profile's row says of whose an address is, whoever wrote the row."""

from __future__ import annotations

from typing import Any, cast

import pytest

from shared.mongo.address_owners import HolderRow, held_by, holder_of
from tests.support import samples

ROW = {"user": "ada", "address_ids": ["email\x1fada@example.com"]}


def row(**more: object) -> HolderRow:
    return cast("HolderRow", ROW | more)


def test_an_older_release_leaves_ids_of_addresses_that_are_gone() -> None:
    assert held_by(row(addresses={})) == []


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"addresses": {"email": ["ada@example.com", "a@example.com"]}, "format": samples.NEWER},
        {"addresses": [{"kind": "email"}], "life": {"number": "first"}, "format": samples.NEWER},
        {"addresses": {"email": 7}},
        {"addresses": None, "life": None},
    ],
)
def test_addresses_in_a_form_that_is_not_read_here_stop_nobody(more: Any) -> None:
    """Found by what is compared, which keeps its form; a crash would come back with each reading of the chunk."""
    assert held_by(row(**more)) == ROW["address_ids"]
    found = holder_of(row(**more))
    assert (found.user, found.life, found.format) == ("ada", 0, more.get("format", 1))
