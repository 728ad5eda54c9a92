"""A ledger's row goes the ways of the transition table, and no others: the diagram in the reference is drawn from it."""

from __future__ import annotations

import pytest

from shared.model.claims import Claimed, Closing, Recorded
from shared.model.deliveries import TERMINAL, TRANSITIONS, DeliveryResult, DeliveryState
from tests.contract.test_ledger import Process, one, process, received

__all__ = ["process"]  # the fixture
CLOSED = (DeliveryState.EXPIRED, DeliveryState.CANCELLED, DeliveryState.SUPPRESSED)
"""What `decide` closes a row as."""


def result(state: DeliveryState) -> DeliveryResult:
    return DeliveryResult(state=state, at=1, attempts=1, due=2**41)


async def in_state(process: Process, state: DeliveryState, id_: str) -> None:
    """A row in this state, its lease over."""
    ledger = process("a", -1)
    await one(ledger, received(id_=id_))
    if state is not DeliveryState.CLAIMED:
        assert await ledger.record([(received(id_=id_).delivery, result(state))]) == {id_}


@pytest.mark.parametrize("before", DeliveryState)
async def test_a_row_goes_the_ways_of_the_table(process: Process, before: DeliveryState) -> None:
    seen: set[DeliveryState] = set()
    await in_state(process, before, "next")
    if isinstance(await one(process("b"), received(1, id_="next")), Claimed):
        seen.add(DeliveryState.CLAIMED)
    for state in CLOSED:
        await in_state(process, before, state)
        await process("b").close([Closing(delivery=state, generation=0, pass_=1, result=result(state))])
        if await one(process("b"), received(1, id_=state)) == Recorded(result=result(state)):
            seen.add(state)
    if before is DeliveryState.CLAIMED:  # what a worker records of its own claim
        for state in set(DeliveryState) - {DeliveryState.CLAIMED}:
            await in_state(process, state, f"recorded {state}")
            assert await one(process("b"), received(id_=f"recorded {state}")) == Recorded(result=result(state))
            seen.add(state)
    assert seen == TRANSITIONS[before]


@pytest.mark.parametrize("before", DeliveryState)
async def test_a_redrive_begins_anew_from_every_end(process: Process, before: DeliveryState) -> None:
    await in_state(process, before, "d")
    assert isinstance(await one(process("b"), received(generation=1)), Claimed)


def test_what_nothing_follows_is_terminal() -> None:
    assert TRANSITIONS.keys() == set(DeliveryState)
    assert {state for state in DeliveryState if not TRANSITIONS[state]} == TERMINAL
    assert len(TERMINAL) == 6
