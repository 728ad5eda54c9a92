"""What the OpenAPI document shows: a timeline, sent in the app at once, e-mail held until the morning; and an event."""

from __future__ import annotations

from typing import Final

from services.console.events.core.event_report import EventReport, LeftOutEntry, WorkflowEntry
from services.console.events.core.started import StartedNotification
from services.console.timeline.core.channel_states import ChannelState, TimelineState
from services.console.timeline.core.rule_results import RuleEntry, RuleResult
from services.console.timeline.core.timeline import DecisionEntry, DeliveryEntry, HoldEntry, StatusEntry, Timeline
from services.console.timeline.core.why import why
from shared.model.expansion import EventState, PartOutcome
from shared.model.topics import Topics

_ACCEPTED: Final = "2026-01-05T23:11:12.131Z"
_DECIDED: Final = "2026-01-05T23:11:12.150Z"
_SENT: Final = "2026-01-05T23:11:12.190Z"
_MORNING: Final = "2026-01-06T07:00:00.000Z"
_NOTIFICATION: Final = "5f0c3c6e-3a55-5d0e-9d3f-2b1f5f0a7c11"
_DELIVERY: Final = "9a4c8f7e-0b5d-5b2a-8c3d-1e2f3a4b5c6d"
_IN_APP: Final = {"outcome": "deliver", "channel": "in_app", "step": "notify", "delivery": _DELIVERY}
_EMAIL: Final = {
    "outcome": "hold", "channel": "email", "step": "notify", "rule": "quiet_hours", "reason": "quiet_hours", "due": _MORNING
}  # fmt: skip

TIMELINE: Final = Timeline(
    notification=_NOTIFICATION,
    tenant="default",
    user="ada",
    workflow="order.shipped",
    version=1,
    event_id="0b0f3d5c-3c43-5f3e-9a55-7d1d0c6f9a10",
    event_type="order.shipped",
    accepted_at=_ACCEPTED,
    state=TimelineState.OPEN,
    channels=[
        ChannelState(
            state="held", at=_DECIDED, generation=0, pass_=0, channel="email", step="notify", reason="quiet_hours",
            until=_MORNING,
        ),
        ChannelState(
            state="sent", at=_SENT, generation=0, pass_=0, terminal=True, channel="in_app", step="notify",
            delivery=_DELIVERY,
        ),
    ],
    entries=[
        StatusEntry(
            at=_DECIDED, type="notification", state="routed", generation=0, pass_=0, ms_since_accept=19,
            detail={"partition": 4, "offset": 17, "items": [_IN_APP, _EMAIL]},
        ),
        StatusEntry(
            at=_SENT, type="delivery", state="sent", generation=0, pass_=0, ms_since_accept=59, detail={"attempts": 1},
            channel="in_app", delivery=_DELIVERY,
        ),
    ],
    decisions=[
        DecisionEntry(
            at=_DECIDED, kind="notify", subject=_NOTIFICATION, generation=0, pass_=0,
            topic=Topics().notifications, partition=4, offset=17, workflow="order.shipped", version=1,
            profile_version=7, inputs={"known": True}, context={},
            rules=[
                RuleEntry(rule="workflow", result=RuleResult.PASSED),
                RuleEntry(
                    rule="quiet_hours", result=RuleResult.HELD, channel="email", reason="quiet_hours", until=_MORNING
                ),
            ],
            items=[_IN_APP, _EMAIL],
        )
    ],
    deliveries=[
        DeliveryEntry(delivery=_DELIVERY, state="sent", generation=0, pass_=0, channel="in_app", attempts=1)
    ],
    holds=[HoldEntry(hold="h-5f0c3c6e", cause="quiet_hours", due=_MORNING, channel="email")],
    complete=True,
)  # fmt: skip

EVENT: Final = EventReport(
    event="0b0f3d5c-3c43-5f3e-9a55-7d1d0c6f9a10",
    tenant="default",
    type="order.shipped",
    source="/shop",
    source_id="A-1-shipped",
    accepted_at=_ACCEPTED,
    state=EventState.EXPANDED,
    generation=0,
    reason=None,
    detail=None,
    pointer=None,
    workflows=[
        WorkflowEntry(
            workflow="order.shipped",
            version=1,
            outcome=PartOutcome.EXPANDED,
            notifications=1,
            left_out=[
                LeftOutEntry(reason="invalid_user_id", detail="a user id is a string", pointer="/data/customer_ids/1")
            ],
        ),
        WorkflowEntry(
            workflow="order.audit",
            version=4,
            outcome=PartOutcome.NOT_EXPANDED,
            notifications=0,
            reason="no_recipients",
            detail="nothing stands at data.auditors",
            pointer="/data/auditors",
        ),
    ],
    notifications=[
        StartedNotification(id=_NOTIFICATION, user="ada", workflow="order.shipped", last="carillon.delivery.sent")
    ],
    fanouts=[],
)
WHY: Final = why(TIMELINE)
