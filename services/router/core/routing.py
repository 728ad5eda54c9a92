"""The decision (pure): which channels get the notification, what waits, what is suppressed, and why.

`route` reads as the rules stand: workflow, expiry, cancel, due time, recipient, preferences, channels by
preference and address, quiet hours. The first rule that stops ends the notification; the last three look at
each channel on its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

import msgspec

from services.router.core.quiet_hours import next_quiet, quiet_until
from shared.model.channels import Channel
from shared.model.holds import Cause
from shared.model.notifications import Contact, Notification
from shared.model.preferences import channel_refusal, notification_refusal
from shared.model.profiles import Profile
from shared.model.reasons import Reason
from shared.model.rules import Rule
from shared.model.workflows import Workflow


class Deliver(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="deliver"):
    """Send it on this channel now. `valid_until` is when the next quiet hours begin."""

    channel: Channel
    step: int
    address: str
    name: str | None = None
    locale: str | None = None
    valid_until: int | None = None


class HoldUntil(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="hold"):
    """Decide again at `due`: this channel, or the whole notification when `channel` is None."""

    reason: Reason
    rule: Rule
    cause: Cause
    due: int
    channel: Channel | None = None
    step: int | None = None


class Suppress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="suppress"):
    """It ends here: this channel, or the whole notification when `channel` is None."""

    reason: Reason
    rule: Rule
    channel: Channel | None = None
    step: int | None = None


RoutingItem = Deliver | HoldUntil | Suppress


class RoutingInput(msgspec.Struct, frozen=True, kw_only=True):
    """What the door is asked about. `channel` narrows it to one channel of one step."""

    notification: Notification
    workflow: Workflow | None
    profile: Profile | None
    cancel_count: int
    """The current counter of its cancellation key; 0 without one."""
    now: int
    spread_ms: int = 0
    """The end of quiet hours is smoothed over this long."""
    channel: Channel | None = None
    step: int | None = None


def route(asked: RoutingInput) -> tuple[RoutingItem, ...]:
    """The items of the decision; never empty."""
    workflow = asked.workflow
    if workflow is None:
        return (_suppress(asked, Rule.WORKFLOW, Reason.UNKNOWN_WORKFLOW),)
    stopped = _whole(asked, workflow)
    if stopped is not None:
        return (stopped,)
    return tuple(_channel(asked, workflow, step, channel) for step, channel in _channels(asked, workflow))


def _suppress(asked: RoutingInput, rule: Rule, reason: Reason) -> Suppress:
    return Suppress(reason=reason, rule=rule, channel=asked.channel, step=asked.step)


def _whole(asked: RoutingInput, workflow: Workflow) -> HoldUntil | Suppress | None:
    """The rules about the notification as a whole; None when it goes on to its channels."""
    notification, now = asked.notification, asked.now
    if not workflow.active:
        return _suppress(asked, Rule.WORKFLOW, Reason.WORKFLOW_INACTIVE)
    if notification.is_expired(now):
        return _suppress(asked, Rule.EXPIRY, Reason.EXPIRED)
    if notification.cancellation_key is not None and asked.cancel_count > notification.cancel_count:
        return _suppress(asked, Rule.CANCEL, Reason.CANCELLED)
    if notification.deliver_at is not None and now < notification.deliver_at:
        return HoldUntil(reason=Reason.SCHEDULED, rule=Rule.DUE, cause=Cause.SCHEDULED, due=notification.deliver_at)
    if notification.actor == notification.user:
        return _suppress(asked, Rule.RECIPIENT, Reason.IS_ACTOR)
    if asked.profile is None and notification.contact is None:
        return _suppress(asked, Rule.RECIPIENT, Reason.UNKNOWN_USER)
    if asked.profile is not None:
        refusal = notification_refusal(asked.profile.preferences, workflow)
        if refusal is not None:
            return _suppress(asked, Rule.NOTIFICATION_PREFERENCE, refusal)
    return None


def _channels(asked: RoutingInput, workflow: Workflow) -> Iterator[tuple[int, Channel]]:
    """The channels asked about, in the workflow's order."""
    if asked.channel is not None:
        yield asked.step or 0, asked.channel
    else:
        for position, step in enumerate(workflow.steps):
            for channel in step.channels:
                yield position, channel


def _channel(asked: RoutingInput, workflow: Workflow, step: int, channel: Channel) -> RoutingItem:
    """The rules about one channel."""
    profile, now = asked.profile, asked.now
    if profile is not None:
        refusal = channel_refusal(profile.preferences, workflow, channel)
        if refusal is not None:
            return Suppress(reason=refusal, rule=Rule.CHANNEL_PREFERENCE, channel=channel, step=step)
    address = _address(asked, channel)
    if address is None:
        return Suppress(reason=Reason.NO_ADDRESS, rule=Rule.ADDRESS, channel=channel, step=step)
    valid_until = None
    if profile is not None and channel.spec.noisy and not workflow.ignores_quiet_hours:
        zone = (profile.quiet_hours.zone if profile.quiet_hours else None) or profile.zone or "UTC"
        until = quiet_until(profile.quiet_hours, zone, now)
        if until is not None:
            due = min(until + _spread(asked.notification.id, asked.spread_ms), asked.notification.expires_at)
            return HoldUntil(
                reason=Reason.QUIET_HOURS, rule=Rule.QUIET_HOURS, cause=Cause.QUIET_HOURS, due=due,
                channel=channel, step=step,
            )  # fmt: skip
        valid_until = next_quiet(profile.quiet_hours, zone, now)
    contact = asked.notification.contact or Contact()
    return Deliver(
        channel=channel,
        step=step,
        address=address,
        name=(profile.name if profile else None) or contact.name,
        locale=(profile.locale if profile else None) or contact.locale,
        valid_until=valid_until,
    )


def _address(asked: RoutingInput, channel: Channel) -> str | None:
    """Where the channel reaches the recipient; None: nowhere. An inline person has no inbox."""
    kind, contact = channel.spec.address, asked.notification.contact
    if kind is None:
        return asked.notification.user if asked.profile is not None else None
    if asked.profile is not None and kind.name in asked.profile.addresses:
        return asked.profile.addresses[kind.name]
    return contact.addresses.get(kind.name) if contact is not None else None


def _spread(notification: str, spread_ms: int) -> int:
    """The same notification always gets the same share of the spread."""
    return crc32(notification.encode()) % spread_ms if spread_ms else 0
