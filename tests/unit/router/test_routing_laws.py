"""What holds for every decision, whatever comes."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.deciding.items import Deliver, HoldUntil, RoutingItem
from shared.deciding.quiet_hours import quiet_until
from shared.deciding.routing import route
from shared.deciding.routing_input import RoutingInput
from shared.model.channels import Channel
from shared.model.notifications import Contact
from shared.model.profiles import Preferences, Profile
from shared.model.quiet_windows import WEEKDAYS, QuietHours, Window
from shared.model.steps import ChannelStep
from shared.model.workflows import QuietPolicy, Workflow
from tests.support import samples as a

TIMES = st.integers(a.NOON - 3 * a.DAY, a.NOON + 3 * a.DAY)
DAY = st.integers(a.NOON, a.NOON + a.DAY - 1)
LATER = st.integers(a.NOON + 3 * a.DAY, a.NOON + 4 * a.DAY)
CLOCK = st.sampled_from([f"{hour:02}:{minute}" for hour in range(24) for minute in ("00", "30")])
WINDOW = st.builds(
    lambda s, u, d: Window(start=s, until=u, days=tuple(d)),
    CLOCK,
    CLOCK | st.just("24:00"),
    st.sets(st.sampled_from(WEEKDAYS)),
).filter(lambda window: window.start != window.until)
ZONE = st.sampled_from([None, "UTC", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Apia", "America/New_York"])
HOURS = st.builds(
    lambda w, e, z: QuietHours(windows=tuple(w), enabled=e, zone=z), st.lists(WINDOW, max_size=3), st.booleans(), ZONE
)
YES = st.booleans()
PREFERENCES = st.builds(
    Preferences,
    categories=st.dictionaries(st.sampled_from(["orders", "news"]), YES),
    workflows=st.dictionaries(st.sampled_from(["order.shipped", "other"]), YES),
    channel_types=st.dictionaries(st.sampled_from([*Channel, "sms"]), YES),
)
PROFILE = st.builds(
    a.profile,
    addresses=st.just(a.ADDRESSES)
    | st.dictionaries(st.sampled_from(["email", "webhook", "phone"]), st.text(min_size=1)),
    preferences=st.just(Preferences()) | PREFERENCES,
    quiet_hours=st.sampled_from([a.NIGHTS, a.NIGHTS, None]) | HOURS,
    zone=ZONE,
)
STEPS = st.lists(
    st.builds(lambda key, c: ChannelStep(key=key, channels=tuple(c)), st.sampled_from("abc"), st.lists(st.sampled_from(Channel), min_size=1, unique=True)),
    min_size=1, max_size=3, unique_by=lambda step: step.key,
)  # fmt: skip
WORKFLOW = st.builds(
    lambda steps, **more: a.workflow(steps=tuple(steps), **more),
    STEPS, active=st.sampled_from([True] * 9 + [False]),
    critical=st.sampled_from([False, False, True]), quiet=st.sampled_from([*QuietPolicy, QuietPolicy.RESPECT]),
)  # fmt: skip
NOTIFICATION = st.builds(
    a.notification,
    id=st.sampled_from([a.ID, "no uuid", ""]) | st.uuids().map(str),
    user=st.sampled_from(["ada", "bob"]),
    actor=st.sampled_from([None] * 5 + ["ada"]),
    expires_at=LATER | LATER | TIMES,
    deliver_at=st.none() | st.none() | TIMES,
    cancellation_key=st.sampled_from([None] * 4 + ["k"]),
    cancel_count=st.integers(0, 2),
    contact=st.none() | st.builds(Contact, addresses=st.sampled_from([{}, {"email": "bo@example.com"}])),
)


@st.composite
def questions(draw: st.DrawFn) -> RoutingInput:
    if draw(YES):  # one that goes through, or random ones seldom get as far as quiet hours
        hours = draw(st.just(a.NIGHTS) | HOURS)
        return a.routing_input(profile=a.profile(quiet_hours=hours, zone=draw(ZONE)), now=draw(DAY | st.just(a.NIGHT)))
    asked = a.routing_input(
        notification=draw(NOTIFICATION),
        workflow=draw(st.one_of(WORKFLOW, WORKFLOW, WORKFLOW, st.none())),
        profile=draw(st.one_of(PROFILE, PROFILE, PROFILE, st.none())),
        cancel_count=draw(st.integers(0, 2)),
        now=draw(st.sampled_from([a.NIGHT, a.NOON]) | TIMES),
        spread_ms=draw(st.sampled_from([0, 1, 900_000])),
    )
    if draw(YES):
        asked = msgspec.structs.replace(
            asked, channel=draw(st.sampled_from(Channel)), step=draw(st.sampled_from([None, "a", "c"]))
        )
    return asked


def is_quiet(profile: Profile, now: int) -> bool:
    hours = profile.quiet_hours
    zone = (hours.zone if hours else None) or profile.zone or "UTC"
    return quiet_until(hours, zone, now) is not None


def asked_for(asked: RoutingInput, workflow: Workflow) -> list[tuple[str, Channel]]:
    if asked.channel is not None:
        return [(asked.step or "", asked.channel)]
    return [(step.key, channel) for step in workflow.steps for channel in step.channels]


def lawful(asked: RoutingInput, items: tuple[RoutingItem, ...]) -> set[str]:
    """Checks the laws; returns those that had something to say."""
    assert items
    had_work = set()
    if asked.workflow is None or (len(items) == 1 and not isinstance(items[0], Deliver) and items[0].channel is None):
        had_work.add("whole")
        assert len(items) == 1
        assert not isinstance(items[0], Deliver)
    elif asked.channel is None:
        had_work.add("every channel once")
    if asked.workflow is not None and "whole" not in had_work and not isinstance(items[0], HoldUntil):
        assert [(item.step or "", item.channel) for item in items] == asked_for(asked, asked.workflow)
    for item in items:
        if isinstance(item, HoldUntil):
            had_work.add(item.reason)
            assert item.due > asked.now, "a hold that is due already would go in circles"
        if isinstance(item, Deliver):
            assert asked.workflow is not None
            assert asked.now < asked.notification.expires_at
            assert asked.notification.deliver_at is None or asked.now >= asked.notification.deliver_at
            if item.valid_until is not None:
                had_work.add("valid until")
                assert item.valid_until > asked.now
            if item.channel.spec.noisy and asked.profile and not asked.workflow.ignores_quiet_hours:
                had_work.add("noisy")
                assert not is_quiet(asked.profile, asked.now)
    return had_work


def test_laws() -> None:
    had_work: set[str] = set()

    @settings(max_examples=100, deadline=None, derandomize=True)
    @given(questions())
    def laws(asked: RoutingInput) -> None:
        items = route(asked)
        had_work.update(lawful(asked, items))
        again = msgspec.json.decode(msgspec.json.encode(asked), type=RoutingInput)
        assert route(again) == items, "the same question, the same answer"
        stored = msgspec.convert([msgspec.to_builtins(item) for item in items], tuple[RoutingItem, ...])
        assert stored == items, "what is stored is what was decided"

    laws()
    assert had_work >= {"whole", "every channel once", "quiet_hours", "valid until", "noisy"}, "no law stood idle"
