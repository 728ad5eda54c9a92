"""A delivery that had failed for good is wanted after all: decided anew, for its channel alone, unless another has it."""

from __future__ import annotations

from typing import Any

import pytest

from shared.deciding.asked import asked
from shared.deciding.history import History, StepOutcome
from shared.deciding.items import Deliver, HoldUntil, RoutingItem, Suppress
from shared.deciding.routing import route
from shared.deciding.routing_input import RoutingInput
from shared.model.channels import Channel
from shared.model.devices import devices_of
from shared.model.profiles import Preferences
from shared.model.reasons import Reason
from shared.model.records import Kind
from shared.model.steps import ChannelChoice, ChannelStep
from tests.support import samples as a
from tests.unit.deciding.test_devices import FIRST as PUSH_FIRST
from tests.unit.deciding.test_devices import PROFILE, TEXTS, of_device

FIRST = ChannelStep(key="notify", channels=(Channel.EMAIL, Channel.WEBHOOK), deliver=ChannelChoice.FIRST)
ALL = ChannelStep(key="notify", channels=(Channel.EMAIL, Channel.WEBHOOK))


def redriven(step: ChannelStep = FIRST, kind: Kind = Kind.REDRIVE, **changes: Any) -> RoutingInput:
    known: dict[str, Any] = {
        "workflow": a.workflow(steps=(step,)),
        "event": kind,
        "channel": Channel.EMAIL,
        "step": "notify",
        "delivery": a.delivery(generation=1),
    }
    return a.routing_input(**(known | changes))


def had_by(*channels: str) -> History:
    return History(outcomes={"notify": StepOutcome(sent=bool(channels), failed=not channels, had_by=channels)})


def only(items: tuple[RoutingItem, ...]) -> RoutingItem:
    (item,) = items
    return item


@pytest.mark.parametrize("kind", [Kind.REDRIVE, Kind.RETRY, Kind.STALE])
def test_it_goes_by_its_channel_and_nothing_stands_behind_it(kind: Kind) -> None:
    item = only(route(redriven(kind=kind, history=had_by())))
    assert isinstance(item, Deliver)
    assert (item.channel, item.fallback, item.fallback_at) == (Channel.EMAIL, (), None)


def test_a_control_the_first_generation_has_what_stands_behind_it() -> None:
    item = only(route(redriven(kind=Kind.RETRY, delivery=a.delivery())))
    assert isinstance(item, Deliver)
    assert item.fallback == (Channel.WEBHOOK,)


@pytest.mark.parametrize(
    ("kind", "step", "channels", "forced", "goes"),
    [
        (Kind.REDRIVE, FIRST, ("webhook",), False, False),
        (Kind.REDRIVE, FIRST, ("webhook",), True, True),
        (Kind.REDRIVE, FIRST, ("email",), False, True),
        (Kind.REDRIVE, FIRST, (), False, True),
        (Kind.REDRIVE, ALL, ("webhook",), False, True),
        (Kind.RETRY, FIRST, ("email", "webhook"), False, True),
    ],
)
def test_another_channel_that_has_it_is_enough(
    kind: Kind, step: ChannelStep, channels: tuple[str, ...], forced: bool, goes: bool
) -> None:
    item = only(route(redriven(step, kind, history=had_by(*channels), forced=forced)))
    assert isinstance(item, Deliver) is goes
    assert goes or item.reason is Reason.SENT_OTHERWISE


def test_the_rest_of_its_step_is_asked_about_once_and_not_where_it_does_not_matter() -> None:
    found = asked(redriven())
    assert found is not None
    assert found.outcomes is not None
    assert asked(redriven(forced=True)) is None
    tried_again = asked(redriven(kind=Kind.RETRY))
    assert tried_again is not None
    assert tried_again.outcomes is None


def test_another_device_of_its_channel_that_has_it_is_no_reason() -> None:
    changes = of_device(0, generation=1) | {
        "profile": PROFILE,
        "workflow": a.workflow(steps=(PUSH_FIRST,), templates=TEXTS),
    }
    item = only(route(redriven(history=had_by("push"), **changes)))
    assert isinstance(item, Deliver)
    assert item.endpoint == devices_of(PROFILE)[0].endpoint


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"notification": a.notification(expires_at=a.NOON)}, Reason.EXPIRED),
        ({"profile": a.profile(preferences=Preferences(categories={"orders": False}))}, Reason.CATEGORY_OPTED_OUT),
        ({"profile": a.profile(preferences=Preferences(channel_types={"email": False}))}, Reason.CHANNEL_OPTED_OUT),
        ({"profile": a.profile(addresses={})}, Reason.NO_ADDRESS),
        ({"suppressed": ("email",)}, Reason.ADDRESS_SUPPRESSED),
        ({"life": 1}, Reason.USER_DELETED),
        ({"notification": a.notification(cancellation_key="k"), "cancel_count": 1}, Reason.CANCELLED),
    ],
)
def test_what_changed_meanwhile_counts_forced_or_not(changes: dict[str, Any], reason: Reason) -> None:
    for forced in (False, True):
        item = only(route(redriven(history=had_by(), forced=forced, **changes)))
        assert isinstance(item, Suppress)
        assert item.reason is reason


def test_a_new_address_is_the_one_it_goes_to() -> None:
    item = only(route(redriven(history=had_by(), profile=a.profile(addresses={"email": "new@example.com"}))))
    assert isinstance(item, Deliver)
    assert item.address == "new@example.com"


def test_quiet_hours_hold_it() -> None:
    quiet = redriven(history=had_by(), profile=a.profile(quiet_hours=a.NIGHTS), now=a.NIGHT)
    item = only(route(quiet))
    assert isinstance(item, HoldUntil)
    assert item.due == a.MORNING
