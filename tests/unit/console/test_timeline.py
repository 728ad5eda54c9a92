from __future__ import annotations

import msgspec
import pytest

from services.console.timeline.core.channel_states import TimelineState, channel_states, progress
from services.console.timeline.core.rows import StoredRows
from services.console.timeline.core.rule_results import EACH, STEPS, WHOLE, RuleResult, rule_entries
from services.console.timeline.core.timeline import build_timeline
from services.delivery.core.effects import delivery_status
from services.router.core.decision import Decision
from services.router.core.effects import derive_effects
from shared.deciding.items import Deliver, HoldUntil, RoutingItem, Suppress
from shared.model import ids
from shared.model.channels import Channel
from shared.model.deliveries import Delivery, DeliveryResult, DeliveryState
from shared.model.holds import Cause
from shared.model.notifications import Notification
from shared.model.outputs import Coordinates, Output
from shared.model.reasons import Reason
from shared.model.records import Kind, Record, notify
from shared.model.rules import Rule
from shared.model.strict_json import loads
from shared.model.timestamps import parse_rfc3339, to_datetime
from shared.model.topics import Topics

TOPICS = Topics()
ACCEPTED = 1_767_607_872_131
NOTIFICATION = Notification(
    id=ids.notification_id("e1", "order.shipped", "ana"),
    tenant="default",
    user="ana",
    workflow="order.shipped",
    version=3,
    event_id="e1",
    event_type="com.example.order.shipped.v1",
    data=msgspec.Raw(b"{}"),
    accepted_at=ACCEPTED,
    expires_at=ACCEPTED + 86_400_000,
)
IN_APP = Deliver(channel=Channel.IN_APP, step="notify", address="ana")
EMAIL = Deliver(channel=Channel.EMAIL, step="notify", address="ana@example.com")
QUIET = HoldUntil(
    reason=Reason.QUIET_HOURS,
    rule=Rule.QUIET_HOURS,
    cause=Cause.QUIET_HOURS,
    due=ACCEPTED + 3_600_000,
    channel=Channel.EMAIL,
    step="notify",
)
NO_WEBHOOK = Suppress(reason=Reason.NO_ADDRESS, rule=Rule.ADDRESS, channel=Channel.WEBHOOK, step="notify")


def decision(*items: RoutingItem, record: Record | None = None, at: int = ACCEPTED + 19, offset: int = 17) -> Decision:
    return Decision(
        record=record or notify(NOTIFICATION),
        notification=NOTIFICATION,
        coordinates=Coordinates(TOPICS.notifications, 4, offset),
        items=items,
        at=at,
        profile_version=2,
        snapshot={"known": True},
    )


def row(output: Output) -> dict:
    """What the console stores of a status."""
    headers = {name: value.decode() for name, value in output.headers}
    data = loads(output.value or b"")
    return {
        "_id": headers["ce_id"],
        "type": headers["ce_type"],
        "subject": headers["ce_subject"],
        "user": data["user"],
        "at": to_datetime(parse_rfc3339(headers["ce_time"])),
        "data": data,
    }


def decided(*items: RoutingItem, **fields) -> dict:
    return row(derive_effects(TOPICS, [decision(*items, **fields)]).outputs[-1])


def became(
    channel: Channel,
    state: DeliveryState,
    *,
    pass_: int = 0,
    at: int = ACCEPTED + 90,
    variant: str | None = None,
    fallback: tuple[Channel, ...] = (),
    **result,
) -> dict:
    delivery = Delivery(
        id=ids.delivery_id(NOTIFICATION.id, 0, channel, "default"),
        channel=channel,
        step="notify",
        address="x",
        notification=NOTIFICATION,
        decided_at=ACCEPTED,
        pass_=pass_,
        variant=variant,
        fallback=fallback,
    )
    return row(delivery_status(TOPICS, delivery, DeliveryResult(state=state, at=at, attempts=1, **result)))


def states(*rows: dict) -> dict[str | None, str]:
    return {channel_state.channel: channel_state.state for channel_state in channel_states(rows)}


def test_the_rules_are_the_routers_in_the_routers_order():
    assert (*WHOLE, *STEPS, *EACH) == tuple(Rule)


def test_every_channel_has_its_own_results_up_to_the_rule_that_stopped_it():
    items = [msgspec.to_builtins(item) for item in (IN_APP, QUIET, NO_WEBHOOK)]
    said = [(entry.channel, entry.rule, entry.result) for entry in rule_entries(items)]
    assert said[: len(WHOLE)] == [(None, rule, RuleResult.PASSED) for rule in WHOLE]
    by_channel = {
        channel: {rule: result for one, rule, result in said if one == channel}
        for channel in ("in_app", "email", "webhook")
    }
    assert all(tuple(results) == EACH for results in by_channel.values())
    assert set(by_channel["in_app"].values()) == {RuleResult.PASSED}
    assert by_channel["email"][Rule.QUIET_HOURS] is RuleResult.HELD
    assert by_channel["email"][Rule.SUPPRESSION] is RuleResult.PASSED
    assert by_channel["email"][Rule.FREQUENCY_CAP] is RuleResult.NOT_ASKED
    assert by_channel["webhook"][Rule.ADDRESS] is RuleResult.SUPPRESSED
    assert by_channel["webhook"][Rule.QUIET_HOURS] is RuleResult.NOT_ASKED


def test_a_rule_about_the_whole_leaves_the_later_ones_unasked():
    item = Suppress(reason=Reason.CANCELLED, rule=Rule.CANCEL)
    said = {entry.rule: entry.result for entry in rule_entries([msgspec.to_builtins(item)])}
    assert said["expiry"] is RuleResult.PASSED
    assert said["cancel"] is RuleResult.SUPPRESSED
    assert said["due"] is RuleResult.NOT_ASKED
    assert "address" not in said


def test_a_channel_has_the_state_of_its_last_status():
    first = decided(IN_APP, QUIET, NO_WEBHOOK)
    assert states(first) == {"email": "held", "in_app": "queued", "webhook": "suppressed"}
    sent = became(Channel.IN_APP, DeliveryState.SENT)
    assert states(first, sent) == {"email": "held", "in_app": "sent", "webhook": "suppressed"}
    assert progress(channel_states([first, sent])) is TimelineState.OPEN


def test_a_dead_one_is_the_end_only_once_its_other_channels_are_decided():
    first = decided(EMAIL)
    dead = became(Channel.EMAIL, DeliveryState.DEAD, fallback=(Channel.WEBHOOK,), reason=Reason.REJECTED)
    assert progress(channel_states([first, dead])) is TimelineState.OPEN
    failed = Record(kind=Kind.FAILED, tenant="default", user="ana", subject=ids.fallback_id(dead["subject"]))
    none_left = decided(NO_WEBHOOK, record=failed, at=ACCEPTED + 100)
    assert progress(channel_states([first, dead, none_left])) is TimelineState.TERMINAL
    assert progress(channel_states([first, became(Channel.EMAIL, DeliveryState.DEAD)])) is TimelineState.TERMINAL


def test_the_order_of_receipt_and_doubles_do_not_matter():
    released = Record(
        kind=Kind.RELEASE,
        tenant="default",
        user="ana",
        subject=ids.step_id(NOTIFICATION.id, 0, "email"),
        pass_=1,
        notification=NOTIFICATION,
        channel=Channel.EMAIL,
        step="notify",
    )
    rows = [
        decided(IN_APP, QUIET, NO_WEBHOOK),
        became(Channel.IN_APP, DeliveryState.SENT),
        decided(EMAIL, record=released, at=ACCEPTED + 3_600_000),
        became(Channel.EMAIL, DeliveryState.RETRYING, pass_=1, at=ACCEPTED + 3_600_100, due=ACCEPTED + 3_605_000),
        became(Channel.EMAIL, DeliveryState.SENT, pass_=2, at=ACCEPTED + 3_605_100),
    ]
    assert states(*rows[:4])["email"] == "retrying"
    assert (
        states(*rows)
        == states(*reversed(rows))
        == states(*rows, *rows[:2])
        == {"email": "sent", "in_app": "sent", "webhook": "suppressed"}
    )
    assert progress(channel_states(rows)) is TimelineState.TERMINAL


def test_a_scheduled_whole_gives_way_to_its_channels():
    waits = HoldUntil(reason=Reason.SCHEDULED, rule=Rule.DUE, cause=Cause.SCHEDULED, due=ACCEPTED + 1000)
    held = decided(waits)
    assert states(held) == {None: "held"}
    back = Record(
        kind=Kind.RELEASE, tenant="default", user="ana", subject=NOTIFICATION.id, pass_=1, notification=NOTIFICATION
    )
    assert states(held, decided(IN_APP, record=back, at=ACCEPTED + 1001)) == {"in_app": "queued"}


@pytest.mark.parametrize(
    ("reason", "state"),
    [(Reason.CANCELLED, "cancelled"), (Reason.EXPIRED, "expired"), (Reason.UNKNOWN_USER, "suppressed")],
)
def test_what_ends_as_a_whole_is_terminal(reason, state):
    rows = [decided(Suppress(reason=reason, rule=Rule.RECIPIENT))]
    assert states(*rows) == {None: state}
    assert progress(channel_states(rows)) is TimelineState.TERMINAL


def test_nothing_decided_is_open():
    assert progress([]) is TimelineState.OPEN


def test_nothing_stored_is_no_timeline():
    assert build_timeline("n", "default", StoredRows(statuses=[], decisions=[], deliveries=[], holds=[])) is None


def test_the_timeline_says_who_what_and_how_long_it_took_and_no_address():
    statuses = [became(Channel.IN_APP, DeliveryState.SENT), decided(IN_APP, QUIET)]
    stored = {
        "user": "ana",
        "kind": "notify",
        "subject": NOTIFICATION.id,
        "generation": 0,
        "pass": 0,
        "topic": TOPICS.notifications,
        "partition": 4,
        "offset": 17,
        "workflow": "order.shipped",
        "version": 3,
        "profile_version": 2,
        "inputs": {},
        "at": to_datetime(ACCEPTED + 19),
        "items": [msgspec.to_builtins(item) for item in (IN_APP, EMAIL)],
    }
    rows = StoredRows(statuses=statuses, decisions=[stored], deliveries=[], holds=[])
    timeline = build_timeline(NOTIFICATION.id, "default", rows)
    assert timeline is not None
    assert (timeline.user, timeline.workflow, timeline.version, timeline.event_id) == ("ana", "order.shipped", 3, "e1")
    assert [(entry.state, entry.ms_since_accept) for entry in timeline.entries] == [("routed", 19), ("sent", 90)]
    assert timeline.entries[1].channel == "in_app"
    assert timeline.entries[1].delivery == ids.delivery_id(NOTIFICATION.id, 0, "in_app", "default")
    assert b"@example.com" not in msgspec.json.encode(timeline)
