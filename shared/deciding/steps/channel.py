"""The step kind `channel`: its channels by preference, address, quiet hours and caps; all of them, or the first that works."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zlib import crc32

import msgspec

from shared.deciding.caps import ask_caps
from shared.deciding.collapse import replaced_by
from shared.deciding.digest_content import kept_from
from shared.deciding.items import Counted, Deliver, HoldUntil, RoutingItem, Suppress
from shared.deciding.quiet_hours import next_quiet, quiet_until
from shared.deciding.routing_input import RoutingInput
from shared.deciding.steps.devices import PER_DEVICE, each_device, others_may_have_it, reachable
from shared.deciding.steps.run import StepResult, StepRun
from shared.deciding.variants import variant_of
from shared.deciding.zones import zone_for
from shared.model.channels import Channel
from shared.model.holds import Cause
from shared.model.notifications import Contact
from shared.model.preferences import NOTHING_SET, channel_refusal
from shared.model.reasons import Reason
from shared.model.records import Kind
from shared.model.rules import Rule
from shared.model.steps import ChannelChoice, ChannelStep, Step
from shared.model.workflows import Workflow

_BEFORE_TOPICS: Final = (Rule.CHANNEL_STOP, Rule.CHANNEL_PREFERENCE)


def advance(run: StepRun, event: Kind, now: int) -> StepResult:
    """Every channel of the step, or those up to the first that reaches the user."""
    del event
    return StepResult(items=send(run.inputs, run.workflow, run.step, now))


def send(inputs: RoutingInput, workflow: Workflow, step: Step, now: int) -> tuple[RoutingItem, ...]:
    """What a step of this kind sends."""
    assert isinstance(step, ChannelStep)  # noqa: S101  # ADVANCE says so
    if step.deliver is ChannelChoice.FIRST:
        items = _first(inputs, workflow, step, step.channels, now)
    else:
        items = _all(inputs, workflow, step.key, step.channels, now)
    return items if PER_DEVICE.isdisjoint(step.channels) else each_device(items, inputs)


def come_back(inputs: RoutingInput, workflow: Workflow, now: int) -> tuple[RoutingItem, ...]:
    """One channel of a step that comes back on its own: held, to be tried again, or failed for good."""
    return each_device(_come_back(inputs, workflow, inputs.channel, now), inputs) if inputs.channel is not None else ()


def _come_back(inputs: RoutingInput, workflow: Workflow, channel: Channel, now: int) -> tuple[RoutingItem, ...]:
    key = inputs.step or ""
    step = workflow.order.step(key)
    if not isinstance(step, ChannelStep) or step.deliver is not ChannelChoice.FIRST:
        return _all(inputs, workflow, key, (channel,), now)
    if inputs.is_redriven:
        return _redriven(inputs, workflow, key, channel, now)
    behind = step.channels[step.channels.index(channel) + 1 :] if channel in step.channels else ()
    if inputs.event is Kind.FAILED:
        if others_may_have_it(inputs, key):
            return (Suppress(reason=Reason.NOT_NEEDED, rule=Rule.FALLBACK, channel=channel, step=key),)
        failed = Suppress(reason=Reason.FELL_BACK, rule=Rule.FALLBACK, channel=channel, step=key)
        return (failed, *_first(inputs, workflow, step, behind, now))
    if not _is_down_for_long(inputs, now):
        return _first(inputs, workflow, step, (channel, *behind), now)
    instead = _first(inputs, workflow, step, behind, now)
    if all(isinstance(item, Suppress) for item in instead):
        return _all(inputs, workflow, key, (channel,), now)  # nothing else reaches the user
    return (Suppress(reason=Reason.FELL_BACK, rule=Rule.FALLBACK, channel=channel, step=key), *instead)


def _redriven(
    inputs: RoutingInput, workflow: Workflow, step: str, channel: Channel, now: int
) -> tuple[RoutingItem, ...]:
    """This channel alone: those behind it have been taken already. Not at all, where another one has it."""
    outcome = inputs.history.outcomes.get(step) if inputs.history is not None else None
    had_by = outcome.had_by if outcome is not None and inputs.event is Kind.REDRIVE and not inputs.forced else ()
    if any(other != channel for other in had_by):
        return (Suppress(reason=Reason.SENT_OTHERWISE, rule=Rule.FALLBACK, channel=channel, step=step),)
    return _all(inputs, workflow, step, (channel,), now)


def _is_down_for_long(inputs: RoutingInput, now: int) -> bool:
    """A parked delivery whose time to fall back has come."""
    at = inputs.delivery.fallback_at if inputs.delivery is not None else None
    return inputs.event is Kind.RETRY and inputs.parked and at is not None and now >= at


def _all(
    inputs: RoutingInput, workflow: Workflow, step: str, channels: Sequence[Channel], now: int
) -> tuple[RoutingItem, ...]:
    ask = _channel if inputs.digest is None else _of_digest
    if inputs.tenant is None or not inputs.tenant.caps:
        return tuple([ask(inputs, workflow, step, channel, now) for channel in channels])
    items: list[RoutingItem] = []
    counted: dict[str, Counted] = {}
    for channel in channels:
        item = _capped(ask(inputs, workflow, step, channel, now), inputs, workflow, counted)
        items.append(item)
    return (*items, *counted.values())


def _first(
    inputs: RoutingInput, workflow: Workflow, step: ChannelStep, channels: Sequence[Channel], now: int
) -> tuple[RoutingItem, ...]:
    """Up to the first that goes or waits; those behind it are its fallback."""
    items: list[RoutingItem] = []
    counted: dict[str, Counted] = {}
    ask = _channel if inputs.digest is None else _of_digest
    for position, channel in enumerate(channels):
        item = _capped(ask(inputs, workflow, step.key, channel, now), inputs, workflow, counted)
        if isinstance(item, Deliver):
            behind = tuple(channels[position + 1 :])
            item = _with_fallback(item, behind, _fallback_at(inputs, step, channel, now) if behind else None)
        items.append(item)
        if not isinstance(item, Suppress):
            break
    return (*items, *counted.values())


def _fallback_at(inputs: RoutingInput, step: ChannelStep, channel: Channel, now: int) -> int | None:
    """When its provider has been down too long: counted from its first try, or a probe would put it off each time."""
    earlier = inputs.delivery
    if earlier is not None and earlier.channel is channel and earlier.fallback_at is not None:
        return earlier.fallback_at
    return None if step.fallback_after_seconds is None else now + step.fallback_after_seconds * 1000


def _with_fallback(item: Deliver, behind: tuple[Channel, ...], at: int | None) -> Deliver:
    return Deliver(
        channel=item.channel,
        step=item.step,
        address=item.address,
        endpoint=item.endpoint,
        name=item.name,
        locale=item.locale,
        zone=item.zone,
        valid_until=item.valid_until,
        variant=item.variant,
        replaces=item.replaces,
        fallback=behind,
        fallback_at=at,
        without=item.without,
    )


def _capped(
    item: Deliver | HoldUntil | Suppress, inputs: RoutingInput, workflow: Workflow, counted: dict[str, Counted]
) -> Deliver | HoldUntil | Suppress:
    """The last rule: what is to go is counted, or ends at a cap."""
    if not isinstance(item, Deliver):
        return item
    caps = ask_caps(inputs, workflow, item.channel)
    if caps is None:
        return Suppress(reason=Reason.FREQUENCY_CAP, rule=Rule.FREQUENCY_CAP, channel=item.channel, step=item.step)
    counted.update((cap.counter, cap) for cap in caps)
    return item


def _of_digest(
    inputs: RoutingInput, workflow: Workflow, step: str, channel: Channel, now: int
) -> Deliver | HoldUntil | Suppress:
    """Without the items that their own subscriptions keep from the channel; not at all, where they keep all of them."""
    item = _channel(inputs, workflow, step, channel, now)
    content = inputs.history.content if inputs.history is not None else None
    if content is None:
        return item
    refusal, without = kept_from(content, workflow, channel)
    if isinstance(item, Deliver):
        if refusal is None:
            return msgspec.structs.replace(item, without=without) if without else item
    elif refusal is None or item.rule in _BEFORE_TOPICS:
        return item
    return Suppress(reason=refusal, rule=Rule.CHANNEL_PREFERENCE, channel=channel, step=step)


def _channel(
    inputs: RoutingInput, workflow: Workflow, step: str, channel: Channel, now: int
) -> Deliver | HoldUntil | Suppress:
    profile, preferences, tenant = inputs.profile, inputs.preferences, inputs.tenant
    if tenant is not None and tenant.stops and tenant.channel_stopped(workflow.key, channel):
        return HoldUntil(
            reason=Reason.STOPPED, rule=Rule.CHANNEL_STOP, cause=Cause.STOPPED, due=inputs.notification.expires_at,
            channel=channel, step=step,
        )  # fmt: skip
    defaults = tenant.preferences if tenant is not None else NOTHING_SET
    refusal = channel_refusal(preferences or NOTHING_SET, workflow, channel, defaults)
    if refusal is None and inputs.subscription is not None:
        refusal = channel_refusal(inputs.subscription.preferences, workflow, channel)
    if refusal is not None:
        return Suppress(reason=refusal, rule=Rule.CHANNEL_PREFERENCE, channel=channel, step=step)
    address = _address(inputs, channel)
    if address is None:
        return Suppress(reason=Reason.NO_ADDRESS, rule=Rule.ADDRESS, channel=channel, step=step)
    kind = channel.spec.address
    if inputs.suppressed and kind is not None and kind.name in inputs.suppressed:
        return Suppress(reason=Reason.ADDRESS_SUPPRESSED, rule=Rule.SUPPRESSION, channel=channel, step=step)
    valid_until = None
    if profile is not None and channel.spec.noisy and not workflow.ignores_quiet_hours:
        zone = zone_for(profile, channel)
        until = quiet_until(profile.quiet_hours, zone, now)
        if until is not None:
            due = min(until + _spread(inputs.notification.id, inputs.spread_ms), inputs.notification.expires_at)
            return HoldUntil(
                reason=Reason.QUIET_HOURS, rule=Rule.QUIET_HOURS, cause=Cause.QUIET_HOURS, due=due,
                channel=channel, step=step,
            )  # fmt: skip
        valid_until = next_quiet(profile.quiet_hours, zone, now)
    contact = inputs.notification.contact or Contact()
    return Deliver(
        channel=channel,
        step=step,
        address=address,
        name=(profile.name if profile else None) or contact.name,
        locale=(profile.locale if profile else None) or contact.locale,
        zone=(profile.zone if profile else None) or contact.zone,
        valid_until=valid_until,
        variant=variant_of(workflow, inputs.notification.id) if workflow.variants else None,
        replaces=replaced_by(inputs) if kind is None and inputs.history is not None else None,
    )


def _address(inputs: RoutingInput, channel: Channel) -> str | None:
    """Where the channel reaches the recipient; None: nowhere. An inline person has no inbox."""
    kind, contact = channel.spec.address, inputs.notification.contact
    if kind is None:
        return inputs.notification.user if inputs.profile is not None else None
    if channel in PER_DEVICE:
        return next((device.address for device in reachable(inputs)), None)
    if inputs.profile is not None and kind.name in inputs.profile.addresses:
        return inputs.profile.addresses[kind.name]
    return contact.addresses.get(kind.name) if contact is not None else None


def _spread(notification: str, spread_ms: int) -> int:
    """The same notification always gets the same share of the spread."""
    return crc32(notification.encode()) % spread_ms if spread_ms else 0
