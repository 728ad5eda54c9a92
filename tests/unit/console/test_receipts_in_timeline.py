"""What providers told since, in the timeline: over what was sent, and over nothing else."""

from __future__ import annotations

from itertools import permutations

import pytest

from services.console.timeline.core.channel_states import TimelineState, channel_states, progress
from services.console.timeline.core.rows import StoredRow, StoredRows
from services.console.timeline.core.timeline import build_timeline
from services.ingest.callbacks.receipt_status import receipt_status
from shared.model import ids
from shared.model.callback_links import CallbackLink
from shared.model.channels import Channel
from shared.model.deliveries import DeliveryState
from shared.model.receipts import Receipt, ReceiptedDelivery, ReceiptOutcome, ReceiptState
from tests.unit.console import test_timeline as made


def receipt(channel: Channel, state: ReceiptState, *, generation: int = 0, pass_: int = 0, at: int = 95) -> StoredRow:
    """What a provider told of the delivery that `became` is about."""
    link = CallbackLink(tenant="default", delivery=ids.delivery_id(made.NOTIFICATION.id, 0, channel, "default"))
    known = Receipt(
        state=state, at=made.ACCEPTED + at, generation=generation, pass_=pass_, account=f"{channel}/twilio", code="7"
    )
    about = ReceiptedDelivery(ReceiptOutcome.ADVANCED, "ana", made.NOTIFICATION.id, channel, "notify", known)
    return made.row(receipt_status(made.TOPICS.statuses, link, about, known))


@pytest.mark.parametrize("state", ReceiptState)
def test_what_a_provider_told_counts_over_that_it_was_sent(state: ReceiptState) -> None:
    sent, told = made.became(Channel.SMS, DeliveryState.SENT, pass_=1), receipt(Channel.SMS, state)
    for rows in permutations([sent, told, made.became(Channel.SMS, DeliveryState.RETRYING)]):
        assert made.states(*rows) == {"sms": state}
    assert progress(channel_states([sent, told])) is TimelineState.TERMINAL


def test_of_several_receipts_the_highest_counts() -> None:
    rows = [receipt(Channel.SMS, state) for state in ReceiptState]
    for some in permutations([made.became(Channel.SMS, DeliveryState.SENT), *rows]):
        assert made.states(*some) == {"sms": "complained"}


@pytest.mark.parametrize("state", [DeliveryState.DEAD, DeliveryState.RETRYING, DeliveryState.PARKED])
def test_of_a_delivery_that_goes_on_or_ended_otherwise_it_changes_nothing(state: DeliveryState) -> None:
    assert made.states(made.became(Channel.SMS, state), receipt(Channel.SMS, ReceiptState.DELIVERED)) == {"sms": state}


def test_a_receipt_of_an_earlier_generation_says_nothing_of_a_later_one() -> None:
    sent = made.became(Channel.SMS, DeliveryState.SENT)
    sent["data"]["generation"] = 1
    assert made.states(sent, receipt(Channel.SMS, ReceiptState.BOUNCED)) == {"sms": "sent"}
    assert made.states(sent, receipt(Channel.SMS, ReceiptState.BOUNCED, generation=1)) == {"sms": "bounced"}


def test_the_ledgers_row_says_the_same() -> None:
    row = {
        "_id": "d-1", "user": "ana", "state": "sent", "generation": 1, "pass": 0, "channel": "sms",
        "receipt": {"state": "bounced", "generation": 1, "at": 1},
    }  # fmt: skip

    def state(row: StoredRow) -> str:
        stored = StoredRows(statuses=[], decisions=[], deliveries=[row], holds=[])
        timeline = build_timeline(made.NOTIFICATION.id, "default", stored)
        assert timeline is not None
        return timeline.deliveries[0].state

    assert state(row) == "bounced"
    assert state(row | {"generation": 2}) == "sent"
