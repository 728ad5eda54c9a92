"""The decision: which channels get the notification, what is held, what is suppressed, and why.

`route` reads as the rules stand: workflow, expiry, cancel, due time, recipient, preferences; then the
workflow's steps. The first rule that stops ends the notification.
"""

from __future__ import annotations

from shared.deciding.items import HoldUntil, RoutingItem, Suppress
from shared.deciding.routing_input import RoutingInput
from shared.deciding.steps.advance import advance
from shared.deciding.steps.run import StepRun
from shared.model.holds import Cause
from shared.model.preferences import notification_refusal
from shared.model.reasons import Reason
from shared.model.rules import Rule
from shared.model.steps import ChannelStep
from shared.model.workflows import Workflow


def route(inputs: RoutingInput) -> tuple[RoutingItem, ...]:
    """The items of the decision; never empty."""
    workflow = inputs.workflow
    if workflow is None:
        return (_suppress(inputs, Rule.WORKFLOW, Reason.UNKNOWN_WORKFLOW),)
    stopped = _whole(inputs, workflow)
    if stopped is not None:
        return (stopped,)
    items: tuple[RoutingItem, ...] = ()
    for step in _steps(inputs, workflow):
        run = StepRun(inputs=inputs, workflow=workflow, step=step)
        items += advance(run, inputs.event, inputs.now).items
    return items


def _steps(inputs: RoutingInput, workflow: Workflow) -> tuple[ChannelStep, ...]:
    """The steps asked about: the workflow's, or the one channel that comes back on its own."""
    if inputs.channel is None:
        return tuple(step for step in workflow.steps if isinstance(step, ChannelStep))
    return (ChannelStep(key=inputs.step or "", channels=(inputs.channel,)),)


def _whole(inputs: RoutingInput, workflow: Workflow) -> HoldUntil | Suppress | None:
    """The rules about the notification as a whole; None when it goes on to its steps."""
    notification, now = inputs.notification, inputs.now
    if not workflow.active:
        return _suppress(inputs, Rule.WORKFLOW, Reason.WORKFLOW_INACTIVE)
    if notification.is_expired(now):
        return _suppress(inputs, Rule.EXPIRY, Reason.EXPIRED)
    if notification.cancellation_key is not None and inputs.cancel_count > notification.cancel_count:
        return _suppress(inputs, Rule.CANCEL, Reason.CANCELLED)
    deleted = notification.life < inputs.life
    if not deleted and notification.deliver_at is not None and now < notification.deliver_at:
        return HoldUntil(reason=Reason.SCHEDULED, rule=Rule.DUE, cause=Cause.SCHEDULED, due=notification.deliver_at)
    if deleted:
        return _suppress(inputs, Rule.RECIPIENT, Reason.USER_DELETED)
    if notification.actor == notification.user:
        return _suppress(inputs, Rule.RECIPIENT, Reason.IS_ACTOR)
    if inputs.profile is None and notification.contact is None:
        return _suppress(inputs, Rule.RECIPIENT, Reason.UNKNOWN_USER)
    owner = inputs.owner
    if inputs.profile is None and inputs.channel is None and owner is not None and owner.user is not None:
        return Suppress(
            reason=Reason.KNOWN_USER, rule=Rule.RECIPIENT, user=owner.user, life=owner.life, keeps=owner.unowned
        )
    preferences = inputs.preferences
    if preferences is not None:
        refusal = notification_refusal(preferences, workflow)
        if refusal is not None:
            return _suppress(inputs, Rule.NOTIFICATION_PREFERENCE, refusal)
    return None


def _suppress(inputs: RoutingInput, rule: Rule, reason: Reason) -> Suppress:
    return Suppress(reason=reason, rule=rule, channel=inputs.channel, step=inputs.step)
