"""A worker that is faster than the log: what it sent is told of before the decision."""

from __future__ import annotations

from services.console.timeline.core.channel_states import TimelineState
from services.console.timeline.core.rows import StoredRow, StoredRows
from services.console.timeline.core.timeline import build_timeline
from shared.model.channels import Channel
from shared.model.deliveries import DeliveryState
from shared.model.records import Kind, Record
from tests.unit.console import test_timeline as made


def test_what_was_sent_before_its_decision_was_told_is_not_the_end() -> None:
    sent = made.became(Channel.IN_APP, DeliveryState.SENT)
    of_others = made.decided(
        made.NO_WEBHOOK, record=Record(kind=Kind.FAILED, tenant="default", user="ana", subject="f")
    )
    told = made.decided(made.IN_APP, made.NO_WEBHOOK)

    def state(*statuses: StoredRow, complete: bool = True) -> TimelineState:
        rows = StoredRows(statuses=list(statuses), decisions=[], deliveries=[], holds=[], complete=complete)
        timeline = build_timeline(made.NOTIFICATION.id, "default", rows)
        assert timeline is not None
        return timeline.state

    assert state(sent) is TimelineState.OPEN
    assert state(sent, of_others) is TimelineState.OPEN
    assert state(sent, told) is TimelineState.TERMINAL
    assert state(sent, complete=False) is TimelineState.TERMINAL
