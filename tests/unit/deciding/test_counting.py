"""Throttles, caps, collapse keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from shared.deciding.history import Count, History, Newest
from shared.deciding.items import Counted, Deliver, Replaced, RoutingItem, Suppress
from shared.deciding.routing import route
from shared.model.reasons import Reason
from shared.model.records import Kind
from shared.model.rules import Rule
from shared.model.steps import (
    Branch,
    BranchStep,
    ChannelStep,
    ThrottleStep,
    WaitForReadStep,
)
from shared.model.tenants import FrequencyCap
from tests.support import samples as a
from tests.unit.deciding.runs import EMAIL, HOUR, IN_APP, MAIL, SHOW, asked, ends, only, tenant


def counted(items: Sequence[RoutingItem], at: int, *names: str) -> History:
    """The counter that these items name, with others counted in it."""
    (count,) = only(items, Counted)
    return History(counters={count.counter: tuple(Count(notification=name, at=at) for name in names)})


THROTTLE = ThrottleStep(key="limit", most=2, seconds=3600)
CAP = FrequencyCap(most=1, seconds=86_400)
WAIT = WaitForReadStep(key="wait", seconds=3600)
SHOW_AGAIN = ChannelStep(key="again", channels=(IN_APP,))


@pytest.mark.parametrize(
    ("names", "at", "passes"),
    [
        (("x",), a.NOON - 1, True),
        (("x", "y"), a.NOON - 1, False),
        (("x", "y"), a.NOON - HOUR, True),
        (("x", a.ID), a.NOON - 1, True),
        (("x", "y", a.ID), a.NOON - 1, True),
    ],
)
def test_a_throttle_counts_what_is_recent_and_nothing_against_itself(names: Any, at: int, *, passes: bool) -> None:
    history = counted(route(asked(THROTTLE, SHOW, history=History())), at, *names)
    found = route(asked(THROTTLE, SHOW, history=history))
    assert bool(only(found, Deliver)) is passes
    if not passes:
        assert found == (ends(Reason.THROTTLED, Rule.THROTTLE, "limit"),)


def test_a_cap_counts_a_notification_once_whatever_its_channels_and_stops_the_next() -> None:
    inputs = asked(SHOW, MAIL, tenant=tenant(caps=(CAP,)), history=History())
    found = route(inputs)
    assert len(only(found, Deliver)) == 2
    assert len({count.counter for count in only(found, Counted)}) == 1
    one = Count(notification="x", at=a.NOON - 1)
    full = History(counters={only(found, Counted)[0].counter: (one,)})
    stopped = route(asked(SHOW, MAIL, tenant=tenant(caps=(CAP,)), history=full))
    assert {item.reason for item in only(stopped, Suppress)} == {Reason.FREQUENCY_CAP}
    assert not only(stopped, Deliver)
    critical = route(asked(SHOW, MAIL, w_critical=True, tenant=tenant(caps=(CAP,)), history=full))
    assert len(only(critical, Deliver)) == 2


def test_a_cap_of_a_channel_leaves_the_others() -> None:
    cap = FrequencyCap(most=1, seconds=60, channels=(EMAIL,))
    counter = only(route(asked(MAIL, tenant=tenant(caps=(cap,)), history=History())), Counted)[0].counter
    full = History(counters={counter: (Count(notification="x", at=a.NOON - 1),)})
    found = route(asked(SHOW, MAIL, tenant=tenant(caps=(cap,)), history=full))
    assert [item.channel for item in only(found, Deliver)] == [IN_APP]


def test_keys_and_users_have_counters_of_their_own() -> None:
    by = ThrottleStep(key="limit", most=1, seconds=60, by="data.order")
    seen = {
        only(route(inputs), Counted)[0].counter
        for inputs in (
            asked(by),
            asked(by, data=b'{"order":"B"}'),
            asked(by, data=b"{}"),
            asked(by, n_user="bob"),
            asked(by, n_life=1, life=1),
            asked(by, n_tenant="other"),
        )
    }
    assert len(seen) == 6


def test_what_a_newer_one_replaces_is_named_on_its_inbox_item() -> None:
    older = History(newest=Newest(notification="old", happened_at=a.NOON - 5000))
    found = route(asked(SHOW, MAIL, n_collapse_key="k", history=older))
    assert [item.notification for item in only(found, Replaced)] == ["old"]
    assert [item.replaces for item in only(found, Deliver)] == ["old", None]
    again = History(newest=Newest(notification=a.ID, happened_at=a.NOON - 1000, before="old"))
    later = route(asked(SHOW, WAIT, SHOW_AGAIN, n_collapse_key="k", step="wait", event=Kind.RELEASE, history=again))
    assert [item.replaces for item in only(later, Deliver)] == ["old"]


def test_what_was_counted_and_finds_nothing_on_its_way_ends_with_a_reason() -> None:
    nothing = BranchStep(key="b", branches=(Branch(when={"data.order": "A7"}),))
    limit = ThrottleStep(key="limit", most=1, seconds=60)
    items = route(asked(limit, nothing, history=History()))
    assert [item.reason for item in only(items, Suppress)] == [Reason.NO_BRANCH]
