"""Receipts: in whatever order a provider tells them, the same is known in the end."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.deciding.step_outcomes import ChannelResult, delivery_fact
from shared.model.deliveries import TERMINAL, DeliveryState
from shared.model.receipts import (
    RECEIPT_TRANSITIONS,
    TELLS_OF,
    Receipt,
    ReceiptOutcome,
    ReceiptState,
    advance,
    receipted_state,
)
from shared.model.suppressions import SuppressionReason

LATEST = ReceiptState.COMPLAINED


def told(state: ReceiptState, generation: int = 0, at: int = 1) -> Receipt:
    return Receipt(state=state, generation=generation, at=at)


RECEIPTS = st.builds(told, st.sampled_from(ReceiptState), st.integers(0, 2), st.integers(0, 9))


def known(receipts: list[Receipt]) -> Receipt | None:
    found: Receipt | None = None
    for receipt in receipts:
        if advance(found, receipt) is ReceiptOutcome.ADVANCED:
            found = receipt
    return found


@given(st.lists(RECEIPTS, min_size=1, max_size=8), st.randoms())
def test_any_order_ends_in_the_same_state(receipts: list[Receipt], chance: Any) -> None:
    shuffled = [*receipts, *chance.sample(receipts, len(receipts))]
    chance.shuffle(shuffled)
    first, second = known(receipts), known(shuffled)
    assert first is not None
    assert second is not None
    assert (first.generation, first.state) == (second.generation, second.state)


@given(st.lists(RECEIPTS, min_size=1, max_size=8))
def test_every_step_is_one_of_the_table(receipts: list[Receipt]) -> None:
    steps: list[Receipt] = []
    for receipt in receipts:
        if advance(steps[-1] if steps else None, receipt) is ReceiptOutcome.ADVANCED:
            steps.append(receipt)
    for before, after in pairwise(steps):
        assert after.generation > before.generation or after.state in RECEIPT_TRANSITIONS[before.state]


@pytest.mark.parametrize("before", ReceiptState)
@pytest.mark.parametrize("after", ReceiptState)
def test_the_table_is_what_advances(before: ReceiptState, after: ReceiptState) -> None:
    outcome = advance(told(before), told(after))
    assert (outcome is ReceiptOutcome.ADVANCED) == (after in RECEIPT_TRANSITIONS[before])
    assert (outcome is ReceiptOutcome.REPEATED) == (before is after)


def test_an_earlier_generation_touches_no_later_one() -> None:
    assert advance(told(ReceiptState.UNDELIVERED, 1), told(LATEST, 0)) is ReceiptOutcome.LATE
    assert advance(told(LATEST, 0), told(ReceiptState.UNDELIVERED, 1)) is ReceiptOutcome.ADVANCED


def test_the_table_has_every_state_and_leads_up() -> None:
    assert RECEIPT_TRANSITIONS.keys() == {*ReceiptState, *TELLS_OF}
    assert [state for state, following in RECEIPT_TRANSITIONS.items() if not following] == [LATEST]
    assert TELLS_OF <= TERMINAL


@pytest.mark.parametrize("state", DeliveryState)
def test_it_stands_for_what_was_sent_and_for_nothing_else(state: DeliveryState) -> None:
    receipt = msgspec.to_builtins(told(ReceiptState.BOUNCED, 1))
    assert receipted_state(state, 1, receipt) == ("bounced" if state in TELLS_OF else state)
    assert receipted_state(state, 2, receipt) == state, "it was sent again since"
    assert receipted_state(state, 1, None) == state
    first = msgspec.to_builtins(told(ReceiptState.BOUNCED))
    assert receipted_state(DeliveryState.SENT, 0, first) == "bounced"


@pytest.mark.parametrize(
    ("state", "result"),
    [
        (ReceiptState.DELIVERED, ChannelResult.SENT),
        (ReceiptState.COMPLAINED, ChannelResult.SENT),
        (ReceiptState.UNDELIVERED, ChannelResult.FAILED),
        (ReceiptState.BOUNCED, ChannelResult.FAILED),
    ],
)
def test_later_steps_know_whether_it_arrived(state: ReceiptState, result: ChannelResult) -> None:
    assert delivery_fact("notify", "sms", state, None).result is result


def test_what_suppresses_an_address() -> None:
    assert {state: state.suppresses for state in ReceiptState if state.suppresses} == {
        ReceiptState.BOUNCED: SuppressionReason.BOUNCED,
        ReceiptState.COMPLAINED: SuppressionReason.COMPLAINED,
    }
