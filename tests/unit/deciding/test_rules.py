"""The rules that came with steps, tenants and topics: one row each; together with those of before, every rule has one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from shared.deciding.history import History, Newest, StepOutcome
from shared.deciding.items import Counted, Deliver, HoldUntil, Replaced, RoutingItem, Suppress
from shared.deciding.routing import route
from shared.deciding.routing_input import RoutingInput
from shared.model.holds import Cause
from shared.model.owners import Owner
from shared.model.profiles import Preferences
from shared.model.reasons import Reason
from shared.model.records import Kind
from shared.model.rules import Rule
from shared.model.steps import (
    Branch,
    BranchStep,
    ChannelChoice,
    ChannelStep,
    DelayStep,
    LatePolicy,
    ThrottleStep,
    WaitForReadStep,
)
from shared.model.subscriptions import Subscription
from shared.model.tenants import FrequencyCap, Stop
from tests.support import samples as a
from tests.unit.deciding.runs import (
    EMAIL,
    FIRST,
    HOUR,
    IN_APP,
    MAIL,
    MAILED,
    SHOW,
    SHOWN,
    WEBHOOK,
    asked,
    ends,
    held,
    tenant,
)
from tests.unit.router import test_routing as before

THROTTLE = ThrottleStep(key="limit", most=2, seconds=3600)
CAP = FrequencyCap(most=1, seconds=86_400)
BOOKING = DelayStep(key="wait", until="data.start - 1h")
AT_ONE = b'{"start":"2026-01-05T14:00:00Z"}'
AT_NOON = b'{"start":"2026-01-05T12:30:00Z"}'
DELAY = held(Reason.DELAYED, Rule.DELAY, Cause.DELAY, a.NOON + HOUR, step="wait")
WAIT = WaitForReadStep(key="wait", seconds=3600)
WAY = Branch(when={"data.order": "A7"}, steps=(SHOW,))
TABLE: dict[str, tuple[RoutingInput, Sequence[RoutingItem]]] = {
    "the tenant is stopped": (
        asked(SHOW, tenant=tenant(stops=(Stop(),))),
        [HoldUntil(reason=Reason.STOPPED, rule=Rule.STOP, cause=Cause.STOPPED, due=a.NOON + a.DAY)],
    ),
    "critical stops, too": (
        asked(SHOW, w_critical=True, tenant=tenant(stops=(Stop(workflow="order.shipped"),))),
        [HoldUntil(reason=Reason.STOPPED, rule=Rule.STOP, cause=Cause.STOPPED, due=a.NOON + a.DAY)],
    ),
    "another workflow is stopped": (asked(SHOW, tenant=tenant(stops=(Stop(workflow="chat"),))), [SHOWN]),
    "a channel is stopped": (
        asked(SHOW, MAIL, tenant=tenant(stops=(Stop(channel=EMAIL),))),
        [
            SHOWN,
            HoldUntil(
                reason=Reason.STOPPED, rule=Rule.CHANNEL_STOP, cause=Cause.STOPPED, due=a.NOON + a.DAY,
                channel=EMAIL, step="mail",
            ),
        ],
    ),
    "cancelled by an operator": (asked(SHOW, cancelled=True), [Suppress(reason=Reason.CANCELLED, rule=Rule.CANCEL)]),
    "off by the tenant's default": (
        asked(SHOW, tenant=tenant(preferences=Preferences(categories={"orders": False}))),
        [Suppress(reason=Reason.OFF_BY_DEFAULT, rule=Rule.NOTIFICATION_PREFERENCE)],
    ),
    "chosen by the user": (
        asked(
            SHOW, p_preferences=Preferences(categories={"orders": True}),
            tenant=tenant(preferences=Preferences(categories={"orders": False})),
        ),
        [SHOWN],
    ),
    "not subscribed any more": (
        asked(SHOW, n_topic="t"),
        [Suppress(reason=Reason.UNSUBSCRIBED, rule=Rule.SUBSCRIPTION)],
    ),
    "subscribed": (asked(SHOW, n_topic="t", subscription=Subscription(tenant="acme", topic="t", user="ada")), [SHOWN]),
    "subscribed, but for mail": (
        asked(
            SHOW, MAIL, n_topic="t",
            subscription=Subscription(
                tenant="acme", topic="t", user="ada", preferences=Preferences(channel_types={"email": False})
            ),
        ),
        [
            SHOWN,
            ends(Reason.CHANNEL_OPTED_OUT, Rule.CHANNEL_PREFERENCE, "mail", channel=EMAIL),
        ],
    ),
    "muted": (asked(SHOW, p_mute_until=a.NOON + 1), [Suppress(reason=Reason.MUTED, rule=Rule.MUTE)]),
    "an address that several share, one of whom is muted": (
        asked(
            MAIL, profile=None, n_contact=before.INLINE,
            owner=Owner(user=None, preferences=Preferences(), mute_until=a.NOON + 1),
        ),
        [Suppress(reason=Reason.MUTED, rule=Rule.MUTE)],
    ),
    "muted until now": (asked(SHOW, p_mute_until=a.NOON), [SHOWN]),
    "critical is not muted": (asked(SHOW, p_mute_until=a.NOON + 1, w_critical=True), [SHOWN]),
    "a suppressed address": (
        asked(SHOW, MAIL, suppressed=("email",)),
        [SHOWN, ends(Reason.ADDRESS_SUPPRESSED, Rule.SUPPRESSION, "mail", channel=EMAIL)],
    ),
    "the first about something": (
        asked(SHOW, n_collapse_key="k", history=History()),
        [Replaced(rule=Rule.COLLAPSE, slot="36e9cbba-f3e2-5bba-8b06-b39ed1eb4d1f"), SHOWN],
    ),
    "an older one about the same": (
        asked(SHOW, n_collapse_key="k", history=History(newest=Newest(notification="n", happened_at=a.NOON))),
        [Suppress(reason=Reason.SUPERSEDED, rule=Rule.COLLAPSE)],
    ),
    "held, and replaced meanwhile": (
        asked(
            MAIL, n_collapse_key="k", channel=EMAIL, step="mail", event=Kind.RELEASE,
            history=History(newest=Newest(notification="n", happened_at=a.NOON - 1000)),
        ),
        [ends(Reason.SUPERSEDED, Rule.COLLAPSE, "mail", channel=EMAIL)],
    ),
    "a condition that does not hold": (
        asked(ChannelStep(key="big", channels=(EMAIL,), when={"data.total": {"gte": 5}}), SHOW, data=b'{"total":4}'),
        [ends(Reason.STEP_CONDITION, Rule.STEP_CONDITION, "big", clause="data.total"), SHOWN],
    ),
    "a delay": (asked(SHOW, DelayStep(key="wait", seconds=3600), MAIL), [SHOWN, DELAY]),
    "a delay that is over": (asked(SHOW, DelayStep(key="wait", seconds=3600), MAIL, step="wait", event=Kind.RELEASE), [MAILED]),
    "a delay until a time": (asked(BOOKING, MAIL, data=AT_ONE), [DELAY]),
    "a time that is past leaves out what follows": (
        asked(BOOKING, MAIL, DelayStep(key="then", seconds=1), SHOW, data=AT_NOON),
        [
            ends(Reason.TOO_LATE, Rule.DELAY, "wait"),
            held(Reason.DELAYED, Rule.DELAY, Cause.DELAY, a.NOON + 1000, step="then"),
        ],
    ),
    "a time that is past, and now": (
        asked(DelayStep(key="wait", until="data.start - 1h", late=LatePolicy.SEND_NOW), MAIL, data=AT_NOON),
        [MAILED],
    ),
    "no time at all": (asked(BOOKING, MAIL), [ends(Reason.NO_TIME, Rule.DELAY, "wait")]),
    "within a throttle": (
        asked(THROTTLE, SHOW, history=History()),
        [Counted(rule=Rule.THROTTLE, counter="e1df7c5f-9fb0-5bfc-a5a3-0a0ce4f58c0e", seconds=3600, step="limit"), SHOWN],
    ),
    "unread, it escalates": (asked(SHOW, WAIT, MAIL, step="wait", event=Kind.RELEASE, history=History()), [MAILED]),
    "waits to be read": (
        asked(SHOW, WAIT, MAIL),
        [SHOWN, held(Reason.WAITS_FOR_READ, Rule.READ, Cause.WAIT_FOR_READ, a.NOON + HOUR, step="wait")],
    ),
    "read": (
        asked(SHOW, WAIT, MAIL, step="wait", event=Kind.RELEASE, history=History(outcomes={"show": StepOutcome(read=True)})),
        [ends(Reason.ALREADY_READ, Rule.READ, "wait")],
    ),
    "seen is not read": (
        asked(SHOW, WAIT, MAIL, step="wait", event=Kind.RELEASE, history=History(outcomes={"show": StepOutcome(seen=True)})),
        [MAILED],
    ),
    "a way": (asked(BranchStep(key="which", branches=(WAY,)), MAIL), [SHOWN, MAILED]),
    "no way": (
        asked(BranchStep(key="which", branches=(WAY,)), MAIL, data=b'{"order":"B"}'),
        [ends(Reason.NO_BRANCH, Rule.BRANCH, "which"), MAILED],
    ),
    "otherwise": (
        asked(BranchStep(key="which", branches=(WAY,), otherwise=(MAIL,)), data=b'{"order":"B"}'),
        [MAILED],
    ),
    "the first that works": (
        asked(FIRST),
        [before.deliver(EMAIL, step="first", fallback=(WEBHOOK, IN_APP), fallback_at=a.NOON + 60_000)],
    ),
    "the first that works is the second": (
        asked(FIRST, p_addresses={"webhook": a.ADDRESSES["webhook"]}),
        [
            ends(Reason.NO_ADDRESS, Rule.ADDRESS, "first", channel=EMAIL),
            before.deliver(WEBHOOK, step="first", fallback=(IN_APP,), fallback_at=a.NOON + 60_000),
        ],
    ),
    "the first failed for good": (
        asked(FIRST, channel=EMAIL, step="first", event=Kind.FAILED),
        [
            ends(Reason.FELL_BACK, Rule.FALLBACK, "first", channel=EMAIL),
            before.deliver(WEBHOOK, step="first", fallback=(IN_APP,), fallback_at=a.NOON + 60_000),
        ],
    ),
    "the last failed, too": (
        asked(FIRST, channel=IN_APP, step="first", event=Kind.FAILED),
        [ends(Reason.FELL_BACK, Rule.FALLBACK, "first", channel=IN_APP)],
    ),
    "it is redriven, and another one has it": (
        asked(
            FIRST, channel=EMAIL, step="first", event=Kind.REDRIVE, delivery=a.delivery(generation=1),
            history=History(outcomes={"first": StepOutcome(sent=True, had_by=("webhook",))}),
        ),
        [ends(Reason.SENT_OTHERWISE, Rule.FALLBACK, "first", channel=EMAIL)],
    ),
    "its provider is down for long": (
        asked(FIRST, channel=EMAIL, step="first", event=Kind.RETRY, parked=True, delivery=a.delivery(fallback_at=a.NOON)),
        [
            ends(Reason.FELL_BACK, Rule.FALLBACK, "first", channel=EMAIL),
            before.deliver(WEBHOOK, step="first", fallback=(IN_APP,), fallback_at=a.NOON + 60_000),
        ],
    ),
    "its provider is down, and nothing else reaches the user": (
        asked(
            ChannelStep(key="first", channels=(EMAIL, WEBHOOK), deliver=ChannelChoice.FIRST, fallback_after_seconds=60),
            p_addresses={"email": a.ADDRESSES["email"]},
            channel=EMAIL, step="first", event=Kind.RETRY, parked=True, delivery=a.delivery(fallback_at=a.NOON),
        ),
        [before.deliver(EMAIL, step="first")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", TABLE)
def test_the_rule_says(row: str) -> None:
    inputs, items = TABLE[row]
    found = [_without_ids(item) for item in route(inputs)]
    assert found == [_without_ids(item) for item in items]


def _without_ids(item: RoutingItem) -> RoutingItem:
    """Counters and slots are what they are; that they tell users and keys apart has a test of its own."""
    if isinstance(item, Counted):
        return Counted(rule=item.rule, counter="", seconds=item.seconds, step=item.step)
    return Replaced(rule=item.rule, slot="", notification=item.notification) if isinstance(item, Replaced) else item


def test_every_rule_and_every_reason_of_the_router_has_a_row() -> None:
    rows = [items for _, items in (*TABLE.values(), *before.TABLE.values())]
    items = [item for row in rows for item in row if not isinstance(item, Deliver)]
    rules = {item.rule for item in items} | {Rule.DIGEST, Rule.FREQUENCY_CAP}
    assert rules == set(Rule), "digests and caps are in test_digests and below"
    router = set(list(Reason)[: list(Reason).index(Reason.WAITED_TOO_LONG)])
    told = {item.reason for item in items if isinstance(item, HoldUntil | Suppress)}
    assert router - told == {
        Reason.DIGEST_OPEN, Reason.DIGESTED, Reason.THROTTLED, Reason.FREQUENCY_CAP, Reason.NOT_NEEDED
    }  # fmt: skip
