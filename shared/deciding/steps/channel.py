"""The step kind `channel`: every channel of the step by preference, address and quiet hours."""

from __future__ import annotations

from zlib import crc32

from shared.deciding.items import Deliver, HoldUntil, RoutingItem, Suppress
from shared.deciding.quiet_hours import next_quiet, quiet_until
from shared.deciding.routing_input import RoutingInput
from shared.deciding.steps.run import StepResult, StepRun
from shared.model.channels import Channel
from shared.model.holds import Cause
from shared.model.notifications import Contact
from shared.model.preferences import channel_refusal
from shared.model.reasons import Reason
from shared.model.records import Kind
from shared.model.rules import Rule


def advance(run: StepRun, event: Kind, now: int) -> StepResult:
    """Each channel on its own; whatever the event, the channels asked about are decided anew."""
    del event
    return StepResult(items=tuple([_channel(run, channel, now) for channel in run.step.channels]))


def _channel(run: StepRun, channel: Channel, now: int) -> RoutingItem:
    inputs, workflow, step = run.inputs, run.workflow, run.step.key
    profile, preferences = inputs.profile, inputs.preferences
    if preferences is not None:
        refusal = channel_refusal(preferences, workflow, channel)
        if refusal is not None:
            return Suppress(reason=refusal, rule=Rule.CHANNEL_PREFERENCE, channel=channel, step=step)
    address = _address(inputs, channel)
    if address is None:
        return Suppress(reason=Reason.NO_ADDRESS, rule=Rule.ADDRESS, channel=channel, step=step)
    valid_until = None
    if profile is not None and channel.spec.noisy and not workflow.ignores_quiet_hours:
        zone = (profile.quiet_hours.zone if profile.quiet_hours else None) or profile.zone or "UTC"
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
        valid_until=valid_until,
    )


def _address(inputs: RoutingInput, channel: Channel) -> str | None:
    """Where the channel reaches the recipient; None: nowhere. An inline person has no inbox."""
    kind, contact = channel.spec.address, inputs.notification.contact
    if kind is None:
        return inputs.notification.user if inputs.profile is not None else None
    if inputs.profile is not None and kind.name in inputs.profile.addresses:
        return inputs.profile.addresses[kind.name]
    return contact.addresses.get(kind.name) if contact is not None else None


def _spread(notification: str, spread_ms: int) -> int:
    """The same notification always gets the same share of the spread."""
    return crc32(notification.encode()) % spread_ms if spread_ms else 0
