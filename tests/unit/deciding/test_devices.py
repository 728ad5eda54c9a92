"""Push: one delivery for each device; a step falls back only when none of them has it or may still get it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.deciding.asked import asked
from shared.deciding.history import History, StepOutcome
from shared.deciding.items import Deliver, HoldUntil, RoutingItem, Suppress
from shared.deciding.routing import route
from shared.deciding.routing_input import RoutingInput
from shared.deciding.step_outcomes import ChannelFact, ChannelResult, decided_facts, delivery_fact, outcomes_of
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.deliveries import DeliveryState
from shared.model.devices import devices_of
from shared.model.notifications import Contact
from shared.model.reasons import Reason
from shared.model.records import Kind
from shared.model.steps import ChannelChoice, ChannelStep
from shared.model.templates import EmailTemplate, PushTemplate
from shared.model.tenants import FrequencyCap, TenantSettings
from tests.support import samples as a

PHONE, TABLET = {"platform": "fcm", "token": "of-the-phone"}, {"platform": "apns", "token": "ab" * 32}
TEXTS = Templates(push=PushTemplate(title="Hi"), email=EmailTemplate(subject="Hi", text="Hi"))
PROFILE = a.profile(devices=(PHONE, TABLET))
FIRST = ChannelStep(key="notify", channels=(Channel.PUSH, Channel.EMAIL), deliver=ChannelChoice.FIRST)


def asking(only: ChannelStep | None = None, **changes: Any) -> RoutingInput:
    steps = (only or ChannelStep(key="notify", channels=(Channel.PUSH,)),)
    known = {"profile": PROFILE, "workflow": a.workflow(steps=steps, templates=TEXTS)}
    return a.routing_input(**(known | changes))


def sent(items: tuple[RoutingItem, ...]) -> list[tuple[Channel, str]]:
    return [(item.channel, item.address) for item in items if isinstance(item, Deliver)]


def of_device(number: int, **changes: Any) -> dict[str, Any]:
    """What a delivery to one of them that comes back is decided by."""
    endpoint, address = devices_of(PROFILE)[number]
    delivery = a.delivery(channel=Channel.PUSH, address=address, endpoint=endpoint, **changes)
    return {"delivery": delivery, "channel": Channel.PUSH, "step": "notify"}


def test_each_device_gets_one_with_an_id_of_its_own() -> None:
    items = route(asking())
    assert sent(items) == [(Channel.PUSH, "fcm:of-the-phone"), (Channel.PUSH, "apns:" + "ab" * 32)]
    assert len({item.endpoint for item in items if isinstance(item, Deliver)}) == 2


def test_an_inline_person_has_one() -> None:
    inline = a.notification(user="inline", contact=Contact(addresses={"device": "fcm:of-somebody"}))
    assert sent(route(asking(profile=None, notification=inline))) == [(Channel.PUSH, "fcm:of-somebody")]


@pytest.mark.parametrize("devices", [(), ({"name": "of no platform"},)])
def test_without_a_device_it_says_so(devices: tuple[dict[str, str], ...]) -> None:
    (item,) = route(asking(profile=a.profile(devices=devices)))
    assert isinstance(item, Suppress)
    assert (item.reason, item.channel) == (Reason.NO_ADDRESS, Channel.PUSH)


def test_quiet_hours_hold_all_of_them_at_once_and_a_cap_counts_them_once() -> None:
    night = asking(profile=a.profile(devices=(PHONE, TABLET), quiet_hours=a.NIGHTS), now=a.NIGHT)
    (held,) = route(night)
    assert isinstance(held, HoldUntil)
    capped = asking(tenant=TenantSettings(tenant="acme", caps=(FrequencyCap(most=1, seconds=60),)), history=History())
    assert len([item for item in route(capped) if not isinstance(item, Deliver)]) == 1


@pytest.mark.parametrize("kind", [Kind.RETRY, Kind.STALE])
def test_one_that_comes_back_is_that_device_alone(kind: Kind) -> None:
    assert sent(route(asking(event=kind, **of_device(1)))) == [(Channel.PUSH, "apns:" + "ab" * 32)]


def test_a_device_that_is_gone_meanwhile_gets_nothing() -> None:
    gone = asking(event=Kind.RETRY, **of_device(1) | {"profile": a.profile(devices=(PHONE,))})
    (item,) = route(gone)
    assert isinstance(item, Suppress)
    assert item.reason is Reason.NO_ADDRESS


def test_the_first_that_works_is_all_devices_and_each_knows_what_is_behind() -> None:
    items = [item for item in route(asking(FIRST)) if isinstance(item, Deliver)]
    assert [(item.channel, item.fallback) for item in items] == [(Channel.PUSH, (Channel.EMAIL,))] * 2


OPEN, SENT, FAILED = StepOutcome(), StepOutcome(sent=True), StepOutcome(failed=True)


@pytest.mark.parametrize(("outcome", "falls_back"), [(FAILED, True), (SENT, False), (OPEN, False), (None, True)])
def test_a_failed_device_falls_back_only_when_the_others_failed_too(
    outcome: StepOutcome | None, falls_back: bool
) -> None:
    history = History(outcomes={} if outcome is None else {"notify": outcome})
    items = route(asking(FIRST, event=Kind.FAILED, history=history, **of_device(0)))
    assert sent(items) == ([(Channel.EMAIL, "ada@example.com")] if falls_back else [])
    (about,) = [item for item in items if isinstance(item, Suppress)]
    assert about.reason is (Reason.FELL_BACK if falls_back else Reason.NOT_NEEDED)


def test_the_others_are_asked_about_when_one_failed_and_at_no_other_time() -> None:
    found = asked(asking(FIRST, event=Kind.FAILED, **of_device(0)))
    assert found is not None
    assert found.outcomes is not None
    assert asked(asking(FIRST)) is None
    tried_again = asked(asking(FIRST, event=Kind.RETRY, **of_device(0)))
    assert tried_again is not None
    assert tried_again.outcomes is None


def made(endpoint: str, state: DeliveryState) -> ChannelFact:
    return delivery_fact("notify", "push", state, None, endpoint)


def decided(*endpoints: str) -> list[ChannelFact]:
    return decided_facts(
        [{"type": "deliver", "step": "notify", "channel": "push", "endpoint": each} for each in endpoints]
    )


HELD = ChannelFact("notify", "push", ChannelResult.OPEN)


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ((decided("a", "b"), [made("a", DeliveryState.DEAD)]), OPEN),
        ((decided("a", "b"), [made("a", DeliveryState.DEAD), made("b", DeliveryState.CLAIMED)]), OPEN),
        ((decided("a", "b"), [made("a", DeliveryState.DEAD), made("b", DeliveryState.SENT)]), SENT),
        ((decided("a", "b"), [made("a", DeliveryState.DEAD), made("b", DeliveryState.DEAD)]), FAILED),
        (([*decided("a", "b"), *decided("a")], [made("a", DeliveryState.DEAD)]), OPEN),
        (([HELD, *decided("a")], [made("a", DeliveryState.DEAD)]), FAILED),
        (([HELD], []), OPEN),
    ],
)
def test_a_step_has_failed_when_all_its_devices_have(facts: Any, outcome: StepOutcome) -> None:
    assert msgspec.structs.replace(outcomes_of(*facts)["notify"], had_by=()) == outcome
