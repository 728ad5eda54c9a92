"""The rules one by one: each row is one notification and the verdict on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from shared.deciding.items import Deliver, HoldUntil, RoutingItem, Suppress
from shared.deciding.routing import route
from shared.deciding.routing_input import RoutingInput
from shared.model.channels import Channel
from shared.model.holds import Cause
from shared.model.notifications import Contact
from shared.model.owners import Owner
from shared.model.profiles import Preferences
from shared.model.quiet_windows import QuietHours, Window
from shared.model.reasons import Reason
from shared.model.rules import Rule
from shared.model.steps import ChannelStep
from shared.model.workflows import QuietPolicy
from tests.support import samples as a

IN_APP, EMAIL, WEBHOOK = a.ALL


def whole(reason: Reason, rule: Rule) -> list[RoutingItem]:
    return [Suppress(reason=reason, rule=rule)]


def deliver(channel: Channel, **more: Any) -> Deliver:
    address = {IN_APP: "ada", EMAIL: a.ADDRESSES["email"], WEBHOOK: a.ADDRESSES["webhook"]}[channel]
    return Deliver(**{"channel": channel, "step": "notify", "address": address} | more)


def no(channel: Channel, reason: Reason, rule: Rule) -> Suppress:
    return Suppress(reason=reason, rule=rule, channel=channel, step="notify")


def quiet(due: int, **more: Any) -> HoldUntil:
    known: dict[str, Any] = {"channel": EMAIL, "step": "notify"}
    return HoldUntil(
        reason=Reason.QUIET_HOURS, rule=Rule.QUIET_HOURS, cause=Cause.QUIET_HOURS, due=due, **(known | more)
    )


def asked(preferences: dict[str, dict[str, bool]] | None = None, **changes: Any) -> RoutingInput:
    """Every name that is a field of something changes it there."""
    parts: dict[str, dict[str, Any]] = {"n": {}, "w": {}, "p": {}, "q": {}}
    for name, value in changes.items():
        part, _, field = name.partition("_")
        parts[part][field] = value
    if preferences:
        parts["p"]["preferences"] = Preferences(**preferences)
    made = {
        "notification": a.notification(**parts["n"]),
        "workflow": a.workflow(**parts["w"]),
        "profile": a.profile(**parts["p"]),
    }
    return a.routing_input(**made | parts["q"])


EVERYWHERE = [deliver(IN_APP), deliver(EMAIL), deliver(WEBHOOK)]
INLINE = Contact(addresses={"email": "bo@example.com"}, name="Bo", locale="pt-BR")
OWNED = Owner(user="bo", preferences=Preferences(channel_types={"email": False}))
SHARED = Owner(user=None, preferences=Preferences(categories={"orders": False}))
BO = {"address": "bo@example.com", "name": "Bo", "locale": "pt-BR"}
EVERYWHERE_AS_BO = [deliver(channel, name="Bo", locale="pt-BR") for channel in a.ALL]
TABLE: dict[str, tuple[RoutingInput, Sequence[RoutingItem]]] = {
    "all channels": (asked(), EVERYWHERE),
    "unknown workflow": (asked(q_workflow=None), whole(Reason.UNKNOWN_WORKFLOW, Rule.WORKFLOW)),
    "inactive": (asked(w_active=False), whole(Reason.WORKFLOW_INACTIVE, Rule.WORKFLOW)),
    "expired before now": (asked(n_expires_at=a.NOON - 1), whole(Reason.EXPIRED, Rule.EXPIRY)),
    "expired at exactly now": (asked(n_expires_at=a.NOON), whole(Reason.EXPIRED, Rule.EXPIRY)),
    "expires in a moment": (asked(n_expires_at=a.NOON + 1), EVERYWHERE),
    "cancelled": (asked(n_cancellation_key="k", q_cancel_count=1), whole(Reason.CANCELLED, Rule.CANCEL)),
    "accepted after the cancel": (asked(n_cancellation_key="k", n_cancel_count=1, q_cancel_count=1), EVERYWHERE),
    "no key, no cancel": (asked(q_cancel_count=1), EVERYWHERE),
    "deliver_at ahead": (
        asked(n_deliver_at=a.NOON + 1),
        [HoldUntil(reason=Reason.SCHEDULED, rule=Rule.DUE, cause=Cause.SCHEDULED, due=a.NOON + 1)],
    ),
    "deliver_at now": (asked(n_deliver_at=a.NOON), EVERYWHERE),
    "deliver_at past": (asked(n_deliver_at=a.NOON - 1), EVERYWHERE),
    "cancelled while scheduled": (
        asked(n_deliver_at=a.NOON + 1, n_cancellation_key="k", q_cancel_count=1),
        whole(Reason.CANCELLED, Rule.CANCEL),
    ),
    "the actor": (asked(n_actor="ada"), whole(Reason.IS_ACTOR, Rule.RECIPIENT)),
    "another actor": (asked(n_actor="bob"), EVERYWHERE),
    "unknown user": (asked(q_profile=None), whole(Reason.UNKNOWN_USER, Rule.RECIPIENT)),
    "of an earlier life": (asked(q_life=1), whole(Reason.USER_DELETED, Rule.RECIPIENT)),
    "of an earlier life, scheduled": (
        asked(q_life=1, n_deliver_at=a.NOON + 1),
        whole(Reason.USER_DELETED, Rule.RECIPIENT),
    ),
    "of this life": (asked(q_life=1, n_life=1), EVERYWHERE),
    "inline person": (
        asked(q_profile=None, n_contact=INLINE),
        [
            no(IN_APP, Reason.NO_ADDRESS, Rule.ADDRESS),
            deliver(EMAIL, **BO),
            no(WEBHOOK, Reason.NO_ADDRESS, Rule.ADDRESS),
        ],
    ),
    "an inline person whom a user is": (
        asked(q_profile=None, n_contact=INLINE, q_owner=Owner(user="bo", preferences=Preferences())),
        [Suppress(reason=Reason.KNOWN_USER, rule=Rule.RECIPIENT, user="bo")],
    ),
    "an inline person whom a user is, scheduled": (
        asked(q_profile=None, n_contact=INLINE, n_deliver_at=a.NOON + 1, q_owner=OWNED),
        [HoldUntil(reason=Reason.SCHEDULED, rule=Rule.DUE, cause=Cause.SCHEDULED, due=a.NOON + 1)],
    ),
    "an address that several share, one of whom wants nothing of the kind": (
        asked(q_profile=None, n_contact=INLINE, q_owner=SHARED),
        whole(Reason.CATEGORY_OPTED_OUT, Rule.NOTIFICATION_PREFERENCE),
    ),
    "an inline person's mail that is tried again, when a user has the address and wants no mail": (
        asked(q_profile=None, n_contact=INLINE, q_owner=OWNED, q_channel=EMAIL, q_step="notify"),
        [no(EMAIL, Reason.CHANNEL_OPTED_OUT, Rule.CHANNEL_PREFERENCE)],
    ),
    "a user who has the address of another's contact": (
        asked(n_contact=INLINE, q_owner=OWNED),
        EVERYWHERE_AS_BO,
    ),
    "a profile comes before a contact": (
        asked(p_locale="de", p_name="Ada", n_contact=INLINE),
        [deliver(channel, locale="de", name="Ada") for channel in a.ALL],
    ),
    "a contact fills in": (
        asked(p_addresses={"webhook": a.ADDRESSES["webhook"]}, n_contact=INLINE),
        [deliver(IN_APP, name="Bo", locale="pt-BR"), deliver(EMAIL, **BO), deliver(WEBHOOK, name="Bo", locale="pt-BR")],
    ),
    "category refused": (
        asked({"categories": {"orders": False}}),
        whole(Reason.CATEGORY_OPTED_OUT, Rule.NOTIFICATION_PREFERENCE),
    ),
    "another category refused": (asked({"categories": {"news": False}}), EVERYWHERE),
    "category allowed": (asked({"categories": {"orders": True}}), EVERYWHERE),
    "workflow refused": (
        asked({"workflows": {"order.shipped": False}}),
        whole(Reason.WORKFLOW_OPTED_OUT, Rule.NOTIFICATION_PREFERENCE),
    ),
    "the category comes first": (
        asked({"workflows": {"order.shipped": False}, "categories": {"orders": False}}),
        whole(Reason.CATEGORY_OPTED_OUT, Rule.NOTIFICATION_PREFERENCE),
    ),
    "an allowed workflow does not lift a refused category": (
        asked({"workflows": {"order.shipped": True}, "categories": {"orders": False}}),
        whole(Reason.CATEGORY_OPTED_OUT, Rule.NOTIFICATION_PREFERENCE),
    ),
    "channel refused": (
        asked({"channel_types": {"email": False, "webhook": True}}),
        [deliver(IN_APP), no(EMAIL, Reason.CHANNEL_OPTED_OUT, Rule.CHANNEL_PREFERENCE), deliver(WEBHOOK)],
    ),
    "critical overrides the category": (asked({"categories": {"orders": False}}, w_critical=True), EVERYWHERE),
    "critical overrides the workflow": (asked({"workflows": {"order.shipped": False}}, w_critical=True), EVERYWHERE),
    "critical overrides the channel": (asked({"channel_types": {"email": False}}, w_critical=True), EVERYWHERE),
    "critical does not override expiry": (
        asked(w_critical=True, n_expires_at=a.NOON),
        whole(Reason.EXPIRED, Rule.EXPIRY),
    ),
    "no address": (
        asked(p_addresses={}),
        [deliver(IN_APP), *(no(channel, Reason.NO_ADDRESS, Rule.ADDRESS) for channel in (EMAIL, WEBHOOK))],
    ),
    "quiet hours hold what is noisy": (
        asked(p_quiet_hours=a.NIGHTS, q_now=a.NIGHT),
        [deliver(IN_APP), quiet(a.MORNING), deliver(WEBHOOK)],
    ),
    "their own zone counts": (
        asked(p_quiet_hours=QuietHours(windows=a.NIGHTS.windows, zone="Asia/Tokyo"), p_zone="UTC", q_now=a.NOON),
        [deliver(IN_APP, zone="UTC"), deliver(EMAIL, zone="UTC", valid_until=a.NOON + 3_600_000), deliver(WEBHOOK, zone="UTC")],
    ),
    "else the profile's zone": (
        asked(p_quiet_hours=a.NIGHTS, p_zone="Asia/Kathmandu", q_now=a.NOON + 4 * 3_600_000 + 15 * 60_000),
        [
            deliver(IN_APP, zone="Asia/Kathmandu"),
            quiet(a.NOON + 13 * 3_600_000 + 15 * 60_000),
            deliver(WEBHOOK, zone="Asia/Kathmandu"),
        ],
    ),
    "disabled hours": (asked(p_quiet_hours=QuietHours(windows=a.NIGHTS.windows, enabled=False), q_now=a.NIGHT), EVERYWHERE),
    "critical goes out at night": (asked(p_quiet_hours=a.NIGHTS, q_now=a.NIGHT, w_critical=True), EVERYWHERE),
    "quiet: ignore goes out at night": (
        asked(p_quiet_hours=a.NIGHTS, q_now=a.NIGHT, w_quiet=QuietPolicy.IGNORE),
        EVERYWHERE,
    ),
    "valid until the next quiet hours": (
        asked(p_quiet_hours=a.NIGHTS),
        [deliver(IN_APP), deliver(EMAIL, valid_until=a.NOON + 10 * 3_600_000), deliver(WEBHOOK)],
    ),
    "expiry before the end of quiet hours": (
        asked(p_quiet_hours=a.NIGHTS, q_now=a.NIGHT, n_expires_at=a.NIGHT + 5),
        [deliver(IN_APP), quiet(a.NIGHT + 5), deliver(WEBHOOK)],
    ),
    "two steps": (
        asked(w_steps=(ChannelStep(key="first", channels=(IN_APP,)), ChannelStep(key="second", channels=(EMAIL, IN_APP)))),
        [deliver(IN_APP, step="first"), deliver(EMAIL, step="second"), deliver(IN_APP, step="second")],
    ),
    "release of one channel only": (asked(q_channel=EMAIL, q_step=1), [deliver(EMAIL, step=1)]),
    "release of one channel that has expired": (
        asked(q_channel=EMAIL, q_step=1, n_expires_at=a.NOON),
        [Suppress(reason=Reason.EXPIRED, rule=Rule.EXPIRY, channel=EMAIL, step=1)],
    ),
    "release of one channel, refused meanwhile": (
        asked({"channel_types": {"email": False}}, q_channel=EMAIL, q_step="notify"),
        [no(EMAIL, Reason.CHANNEL_OPTED_OUT, Rule.CHANNEL_PREFERENCE)],
    ),
    "release into another window": (
        asked(
            p_quiet_hours=QuietHours(windows=(*a.NIGHTS.windows, Window(start="07:00", until="08:00"))),
            q_now=a.MORNING, q_channel=EMAIL, q_step="notify",
        ),
        [quiet(a.MORNING + 3_600_000)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", TABLE)
def test_verdict(row: str) -> None:
    asked_of, verdict = TABLE[row]
    assert list(route(asked_of)) == verdict


def test_an_id_of_anybody_is_spread_too() -> None:
    for foreign in ("no uuid", "", "ä"):
        assert route(asked(n_id=foreign, p_quiet_hours=a.NIGHTS, q_now=a.NIGHT, q_spread_ms=900_000))


def test_the_end_of_quiet_hours_is_spread_and_the_same_notification_keeps_its_share() -> None:
    hour = 3_600_000
    dues = []
    for number in range(200):
        one = asked(
            n_id=f"{number:08x}-0000-5000-8000-000000000000", p_quiet_hours=a.NIGHTS, q_now=a.NIGHT,
            q_channel=EMAIL, q_spread_ms=hour,
        )  # fmt: skip
        (held,) = route(one)
        assert route(one) == (held,)
        assert isinstance(held, HoldUntil)
        dues.append(held.due)
    assert all(a.MORNING <= due < a.MORNING + hour for due in dues)
    assert min(dues) < a.MORNING + hour / 4
    assert max(dues) > a.MORNING + hour * 3 / 4
