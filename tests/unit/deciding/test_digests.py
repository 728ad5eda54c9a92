"""Digests: who holds, who joins, when it closes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.deciding.history import DigestContent, History, OpenDigest
from shared.deciding.items import Deliver, DigestChange, Gathered, HoldUntil, RoutingItem, Suppress
from shared.deciding.routing import route
from shared.deciding.routing_input import RoutingInput
from shared.model.notifications import Contact
from shared.model.profiles import DigestFrequency, Preferences
from shared.model.reasons import Reason
from shared.model.records import Kind
from shared.model.rules import Rule
from shared.model.steps import (
    DelayStep,
    DigestStep,
)
from tests.support import samples as a
from tests.unit.deciding.runs import EMAIL, HOUR, MAIL, MAILED, SHOW, asked, ends, only, tenant
from tests.unit.router import test_routing as before

GATHER = DigestStep(key="gather", seconds=3600, max_items=3)


def gathered(inputs: RoutingInput) -> Gathered:
    (found,) = only(route(inputs), Gathered)
    assert isinstance(found, Gathered)
    return found


def opened(step: DigestStep = GATHER, **changes: Any) -> tuple[Gathered, OpenDigest]:
    """A digest that another notification opened at noon."""
    item = gathered(asked(step, SHOW, n_id="opener", history=History(), **changes))
    return item, OpenDigest(
        id=item.digest, opened_at=item.opened_at, due=item.due, items=item.items, holder=item.holder, hold="h"
    )


def test_the_first_holds_the_digest_and_the_others_join() -> None:
    first = route(asked(GATHER, SHOW, history=History()))
    assert [type(item) for item in first] == [Gathered, HoldUntil]
    assert (first[0].change, first[0].items, first[0].holder) == (DigestChange.OPEN, 1, a.ID)  # type: ignore[union-attr]
    assert (first[1].reason, first[1].due, first[1].digest) == (Reason.DIGEST_OPEN, a.NOON + HOUR, first[0].digest)  # type: ignore[union-attr]
    item, open_ = opened()
    joined = route(asked(GATHER, SHOW, history=History(digests={item.slot: open_}), now=a.NOON + 5))
    assert joined[1] == ends(Reason.DIGESTED, Rule.DIGEST, "gather", digest=item.digest)
    assert (joined[0].change, joined[0].items, joined[0].due, joined[0].hold) == (DigestChange.JOIN, 2, item.due, None)  # type: ignore[union-attr]


def test_a_full_one_is_brought_forward_and_the_next_opens_another() -> None:
    item, open_ = opened()
    third = gathered(asked(GATHER, SHOW, history=History(digests={item.slot: msgspec.structs.replace(open_, items=2)})))
    assert (third.items, third.hold) == (3, "h")
    fourth = gathered(
        asked(GATHER, SHOW, history=History(digests={item.slot: msgspec.structs.replace(open_, items=3)}))
    )
    assert fourth.change is DigestChange.OPEN
    assert fourth.digest != item.digest


def test_the_first_may_go_at_once_and_the_next_waits_for_the_rest_of_the_time() -> None:
    step = DigestStep(key="gather", seconds=3600, first_at_once=True)
    found = route(asked(step, SHOW, n_id="opener", history=History()))
    assert [type(item) for item in found] == [Gathered, Deliver]
    item, open_ = opened(step)
    assert (open_.items, open_.holder) == (0, None)
    second = route(asked(step, SHOW, history=History(digests={item.slot: open_}), now=a.NOON + 60_000))
    assert [type(each) for each in second] == [Gathered, HoldUntil]
    assert second[1].due == a.NOON + HOUR  # type: ignore[union-attr]
    late = route(asked(step, SHOW, history=History(digests={item.slot: open_}), now=a.NOON + HOUR))
    assert [type(each) for each in late] == [Gathered, Deliver]


def test_a_sliding_one_goes_on_while_others_come_but_not_for_ever() -> None:
    step = DigestStep(key="gather", seconds=60, sliding=True)
    item, open_ = opened(step)
    later = gathered(asked(step, SHOW, history=History(digests={item.slot: open_}), now=a.NOON + 50_000))
    assert later.due == a.NOON + 110_000
    last = gathered(asked(step, SHOW, history=History(digests={item.slot: msgspec.structs.replace(open_, due=a.NOON + 599_000)}), now=a.NOON + 598_000))  # fmt: skip
    assert last.due == a.NOON + 600_000
    slid = History(digests={item.slot: msgspec.structs.replace(open_, due=a.NOON + 110_000)})
    again = route(asked(step, SHOW, n_id="opener", step="gather", event=Kind.RELEASE, digest=item.digest, now=a.NOON + 60_000, history=slid))  # fmt: skip
    assert [type(each) for each in again] == [Gathered, HoldUntil]
    assert (again[0].change, again[1].due) == (DigestChange.SLIDE, a.NOON + 110_000)  # type: ignore[union-attr]


def test_closing_freezes_what_it_has_and_the_run_goes_on() -> None:
    item, open_ = opened()
    content = DigestContent(numbered=2, members=("opener", "x"), data=())
    history = History(digests={item.slot: open_}, content=content)
    closed = route(asked(GATHER, SHOW, n_id="opener", step="gather", event=Kind.RELEASE, digest=item.digest, now=a.NOON + HOUR, history=history))  # fmt: skip
    assert [type(each) for each in closed] == [Gathered, Deliver]
    assert (closed[0].change, closed[0].items, closed[0].members) == (DigestChange.CLOSE, 2, ("opener", "x"))  # type: ignore[union-attr]


NO_MAIL, NOTHING = Preferences(channel_types={"email": False}), Preferences(categories={"orders": False})
NO_CHANNEL = Suppress(reason=Reason.CHANNEL_OPTED_OUT, rule=Rule.CHANNEL_PREFERENCE, channel=EMAIL, step="mail")


def closing(wants: dict[str, Preferences | None], *gone: str, **changes: Any) -> RoutingInput:
    """A digest of its holder and `x`, which may have come by topics, goes by e-mail."""
    numbered = changes.pop("numbered", 2)
    content = DigestContent(numbered=numbered, members=(a.ID, "x"), data=(), wants=wants).without(gone)
    known: dict[str, Any] = {
        "step": "gather",
        "event": Kind.RELEASE,
        "digest": "d",
        "history": History(content=content),
    }
    return asked(GATHER, MAIL, **known | changes)


def ended(reason: Reason, rule: Rule, **more: Any) -> Suppress:
    return Suppress(reason=reason, rule=rule, **{"step": "gather"} | more)


BY_TOPICS: dict[str, tuple[RoutingInput, RoutingItem, int | None]] = {
    "they want all": (closing({}), MAILED, 2),
    "the holder's goes without it": (closing({a.ID: NO_MAIL}), before.deliver(EMAIL, step="mail", without=(a.ID,)), 2),
    "and so does another's": (closing({"x": NO_MAIL}), before.deliver(EMAIL, step="mail", without=("x",)), 2),
    "both do": (closing({a.ID: NO_MAIL, "x": NO_MAIL}), NO_CHANNEL, 2),
    "one does, the other is cancelled": (closing({a.ID: NO_MAIL}, "x"), NO_CHANNEL, 1),
    "one does, the other wants nothing": (closing({a.ID: NO_MAIL, "x": NOTHING}), NO_CHANNEL, 1),
    "one does, the other left": (closing({"x": NO_MAIL, a.ID: None}), NO_CHANNEL, 1),
    "what is left is not shown": (closing({a.ID: NO_MAIL, "x": NO_MAIL}, numbered=3), NO_CHANNEL, 3),
    "one left": (closing({a.ID: None}), MAILED, 1),
    "one wants nothing": (closing({"x": NOTHING}), MAILED, 1),
    "the holder left, the other wants nothing": (
        closing({a.ID: None, "x": NOTHING}),
        ended(Reason.UNSUBSCRIBED, Rule.SUBSCRIPTION),
        0,
    ),
    "the holder wants nothing, the other left": (
        closing({a.ID: NOTHING, "x": None}),
        ended(Reason.CATEGORY_OPTED_OUT, Rule.NOTIFICATION_PREFERENCE),
        0,
    ),
    "the holder is cancelled, the other left": (
        closing({a.ID: None, "x": None}, a.ID),
        ended(Reason.CANCELLED, Rule.CANCEL),
        0,
    ),
    "critical": (closing({a.ID: None, "x": NO_MAIL}, w_critical=True), MAILED, 2),
    "one does, and is cancelled": (closing({"x": NO_MAIL}, "x"), MAILED, 1),
    "what counts for all of them comes first": (
        closing({a.ID: NO_MAIL, "x": NO_MAIL}, tenant=tenant(preferences=NO_MAIL)),
        msgspec.structs.replace(NO_CHANNEL, reason=Reason.OFF_BY_DEFAULT),
        2,
    ),
    "and the address last": (closing({a.ID: NO_MAIL, "x": NO_MAIL}, p_addresses={}), NO_CHANNEL, 2),
    "its channel comes back": (
        closing({"x": NO_MAIL}, step="mail", channel=EMAIL),
        before.deliver(EMAIL, step="mail", without=("x",)),
        None,
    ),
    "it comes back for nobody": (
        closing({a.ID: None, "x": None}, step="mail", channel=EMAIL),
        ended(Reason.UNSUBSCRIBED, Rule.SUBSCRIPTION, step="mail", channel=EMAIL),
        None,
    ),
}
"""What goes, and how many the digest closes with; None: it has closed before."""


@pytest.mark.parametrize(("inputs", "goes", "count"), BY_TOPICS.values(), ids=BY_TOPICS.keys())
def test_each_item_goes_by_its_own_subscription(inputs: RoutingInput, goes: RoutingItem, count: int | None) -> None:
    items = route(inputs)
    (found,) = only(items, (Deliver, Suppress))
    assert found == goes
    assert [item.items for item in only(items, Gathered)] == ([] if count is None else [count])


@pytest.mark.parametrize(
    ("chosen", "due"),
    [
        (DigestFrequency.HOURLY, a.NOON + HOUR),
        (DigestFrequency.DAILY, a.NOON + 20 * HOUR),
        (DigestFrequency.WEEKLY, a.NOON + 164 * HOUR),
        (DigestFrequency.IMMEDIATE, None),
    ],
)
def test_the_user_may_choose_how_often(chosen: DigestFrequency, due: int | None) -> None:
    step = DigestStep(key="gather", seconds=60, user_choice=True)
    preferences = Preferences(digests={"orders": chosen})
    found = route(asked(step, SHOW, p_preferences=preferences, p_zone="Europe/Berlin", history=History()))
    dues = [item.due for item in only(found, HoldUntil)]
    assert dues == ([] if due is None else [due])


def test_without_a_profile_the_inline_zone_counts() -> None:
    step = DigestStep(key="gather", cron="0 9 * * *")
    contact = Contact(addresses={"email": "bo@example.com"}, zone="Asia/Tokyo")
    found = route(asked(step, MAIL, profile=None, n_contact=contact, history=History()))
    assert [item.due for item in only(found, HoldUntil)] == [a.NOON + 12 * HOUR]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [(b"7", b"7.0", True), (b"7", b'"7"', False), (b"0", b"false", False), (b"7", b"7.5", False)],
)
def test_what_is_the_same_for_json_is_gathered_into_the_same(one: bytes, other: bytes, same: bool) -> None:
    step = DigestStep(key="gather", seconds=60, by="data.thread")
    slots = [gathered(asked(step, SHOW, data=b'{"thread":%b}' % by, history=History())).slot for by in (one, other)]
    assert (slots[0] == slots[1]) is same


def test_who_chose_how_often_gets_none_before_and_none_later() -> None:
    hourly = Preferences(digests={"*": DigestFrequency.HOURLY})
    step = DigestStep(key="gather", seconds=86_400, sliding=True, first_at_once=True, user_choice=True)
    found = route(asked(step, SHOW, p_preferences=hourly, history=History()))
    assert [type(item) for item in found] == [Gathered, HoldUntil]
    item, open_ = opened(step, p_preferences=hourly)
    history = History(digests={item.slot: open_})
    assert gathered(asked(step, SHOW, p_preferences=hourly, history=history, now=a.NOON + 5)).due == a.NOON + HOUR


def test_a_run_that_waits_expires_later_unless_its_producer_said_when() -> None:
    delay = DelayStep(key="wait", seconds=3 * 86_400)
    (free,) = route(asked(delay, SHOW))
    assert free.expires_at == free.due + a.DAY  # type: ignore[union-attr]
    (bound,) = route(asked(delay, SHOW, n_expires_for_good=True))
    assert (bound.due, bound.expires_at) == (a.NOON + a.DAY, None)  # type: ignore[union-attr]
