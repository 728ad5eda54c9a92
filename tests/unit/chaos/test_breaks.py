"""The breaks of the chaos tests, without a product: what each replaces is there under that name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.breaks import ingest_troubles, router_troubles, scheduler_troubles
from tests.chaos.breaks.breaking import ROOMS, Break, apply, breaks_of, mend
from tests.chaos.checker import KINDS

ALL = [one for room in ROOMS for one in breaks_of(room)]
TROUBLES = (*ingest_troubles.BREAKS, *router_troubles.BREAKS, *scheduler_troubles.BREAKS)


@pytest.fixture(autouse=True)
def whole() -> Iterator[None]:
    yield
    mend()


@pytest.mark.parametrize("wrong", [*ALL, *TROUBLES], ids=lambda wrong: wrong.full_name)
def test_a_break_replaces_something(wrong: Break) -> None:
    apply([wrong.full_name])
    assert mend()
    assert not mend()


def test_what_is_in_no_table_cannot_be_applied() -> None:
    with pytest.raises(LookupError):
        apply(["router/nothing of the kind"])


def test_every_service_is_broken_in_many_ways() -> None:
    assert len({one.full_name for one in ALL}) == len(ALL) >= 25
    broken = {service for one in ALL for service in one.services}
    assert broken == {"ingest", "router", "scheduler", "delivery", "gateway"}


def test_every_kind_of_fault_is_shown_by_a_break() -> None:
    assert {kind for one in ALL for kind in one.shows} == set(KINDS)
    assert all(one.shows for one in ALL)
