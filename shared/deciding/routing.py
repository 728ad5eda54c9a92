"""The decision: which channels get the notification, what is held, what is suppressed, and why.

`route` reads as the rules stand: those about the notification as a whole, of which the first that stops ends the
matter; then its run through the workflow's steps, up to one that waits.
"""

from __future__ import annotations

from typing import Final

from shared.deciding.collapse import ask_collapse, ask_superseded
from shared.deciding.digest_content import unwanted
from shared.deciding.facts import Facts
from shared.deciding.items import Deliver, HoldUntil, RoutingItem, Suppress
from shared.deciding.local_times import instant_of_local
from shared.deciding.routing_input import RoutingInput
from shared.deciding.steps.advance import advance
from shared.deciding.steps.channel import come_back, send
from shared.deciding.steps.digest import close
from shared.deciding.steps.run import After, StepRun
from shared.deciding.zones import zone_of
from shared.model.conditions import failing
from shared.model.holds import Cause
from shared.model.own_workflows import STATUSES
from shared.model.preferences import NOTHING_SET, notification_refusal
from shared.model.reasons import Reason
from shared.model.records import Kind
from shared.model.rules import Rule
from shared.model.steps import DigestStep, Step
from shared.model.workflows import Workflow

NO_ITEMS: Final[tuple[RoutingItem, ...]] = ()
_TAKES_OUT: Final = {Reason.CANCELLED: Rule.CANCEL, Reason.UNSUBSCRIBED: Rule.SUBSCRIPTION}


def route(inputs: RoutingInput) -> tuple[RoutingItem, ...]:
    """The items of the decision; never empty."""
    workflow = inputs.workflow
    if workflow is None:
        return (_suppress(inputs, Rule.WORKFLOW, Reason.UNKNOWN_WORKFLOW),)
    stopped = _until_due(inputs, workflow)
    if stopped is not None:
        return _stopped(inputs, workflow, stopped)
    marks = ask_superseded(inputs) if inputs.history is not None else NO_ITEMS
    if inputs.notification.collapse_key is not None and not inputs.is_digest and not _ended(marks):
        marks += ask_collapse(inputs)
    if _ended(marks):
        return marks
    stopped = _from_due(inputs, workflow)
    if stopped is not None:
        return marks + _stopped(inputs, workflow, stopped)
    if inputs.channel is not None:
        return marks + come_back(inputs, workflow, inputs.now)
    if workflow.is_plain:  # nearly all of them: there is no run
        return marks + send(inputs, workflow, workflow.steps[0], inputs.now)
    return marks + _run(inputs, workflow)


def _ended(marks: tuple[RoutingItem, ...]) -> bool:
    return bool(marks) and isinstance(marks[-1], Suppress)


def _stopped(inputs: RoutingInput, workflow: Workflow, item: HoldUntil | Suppress) -> tuple[RoutingItem, ...]:
    """What ends the run that holds a digest closes the digest: whatever comes next opens another."""
    step = workflow.order.step(inputs.step) if inputs.step is not None and inputs.channel is None else None
    if isinstance(item, Suppress) and isinstance(step, DigestStep) and inputs.digest is not None:
        return (item, close(inputs, step, Facts(inputs)))
    return (item,)


def _run(inputs: RoutingInput, workflow: Workflow) -> tuple[RoutingItem, ...]:
    """The run from where it stands, up to a step that waits, or to its end."""
    facts = Facts(inputs)
    step = workflow.order.first if inputs.step is None else workflow.order.step(inputs.step)
    event = Kind.NOTIFY if inputs.step is None else Kind.RELEASE
    items = NO_ITEMS
    while step is not None:
        run = StepRun(inputs=inputs, workflow=workflow, step=step, facts=facts)
        following: Step | None = workflow.order.after(step.key)
        clause = failing(step.when, facts) if step.when is not None and event is Kind.NOTIFY else None
        if clause is not None:
            items += (run.suppress(Reason.STEP_CONDITION, Rule.STEP_CONDITION, clause=clause),)
        else:
            result = advance(run, event, inputs.now)
            items += result.items
            if result.after in (After.WAITS, After.ENDS):
                break
            if result.after is After.SECTION:
                following = workflow.order.after_section(step.key)
            elif result.way:
                following = result.way[0]
        step, event = following, Kind.NOTIFY
    if any(isinstance(item, Deliver | HoldUntil | Suppress) for item in items):
        return items
    # Nothing stands on the way that it took: it ends with a reason all the same, whatever was counted or gathered.
    return (*items, _suppress(inputs, Rule.BRANCH, Reason.NO_BRANCH))


def _until_due(inputs: RoutingInput, workflow: Workflow) -> HoldUntil | Suppress | None:
    """The rules about the notification as a whole, up to those that look at other ones; None when it goes on."""
    notification, now = inputs.notification, inputs.now
    if not workflow.active:
        return _suppress(inputs, Rule.WORKFLOW, Reason.WORKFLOW_INACTIVE)
    if inputs.cancelled:
        return _suppress(inputs, Rule.CANCEL, Reason.CANCELLED)
    if notification.is_expired(now):
        return _suppress(inputs, Rule.EXPIRY, Reason.EXPIRED)
    taken_out = _taken_out(inputs, workflow)
    if taken_out is not None:
        return taken_out
    tenant = inputs.tenant
    if tenant is not None and tenant.stops and tenant.stopped(workflow.key):
        return HoldUntil(
            reason=Reason.STOPPED, rule=Rule.STOP, cause=Cause.STOPPED, due=notification.expires_at,
            channel=inputs.channel, step=inputs.step,
        )  # fmt: skip
    return None


def _taken_out(inputs: RoutingInput, workflow: Workflow) -> Suppress | None:
    """By its key; a digest when all that it has gathered was."""
    notification, history = inputs.notification, inputs.history
    if inputs.is_digest:
        content = history.content if history is not None else None
        reason = unwanted(content, workflow, notification.id) if content is not None else None
        return _suppress(inputs, _TAKES_OUT.get(reason, Rule.NOTIFICATION_PREFERENCE), reason) if reason else None
    if notification.cancellation_key is not None and inputs.cancel_count > notification.cancel_count:
        return _suppress(inputs, Rule.CANCEL, Reason.CANCELLED)
    return None


def _from_due(inputs: RoutingInput, workflow: Workflow) -> HoldUntil | Suppress | None:
    """The rest of them."""
    notification = inputs.notification
    deleted = notification.life < inputs.life
    due = None if deleted else notification.deliver_at
    cause = Cause.SCHEDULED
    if notification.deliver_local is not None and not deleted:
        contact = notification.contact
        zone = zone_of(inputs.profile, contact.zone if contact is not None else None)
        due, cause = instant_of_local(notification.deliver_local, zone), Cause.LOCAL_TIME
    if due is not None and inputs.now < due:
        return HoldUntil(  # a recipient who moved meanwhile: what was sent before is not sent again
            reason=Reason.SCHEDULED, rule=Rule.DUE, cause=cause, due=due, channel=inputs.channel, step=inputs.step
        )
    stopped = _recipient(inputs, deleted=deleted)
    if stopped is not None:
        return stopped
    if notification.topic is not None and inputs.subscription is None and not (workflow.critical or inputs.is_digest):
        return _suppress(inputs, Rule.SUBSCRIPTION, Reason.UNSUBSCRIBED)
    refusal = _refusal(inputs, workflow)
    if refusal is not None:
        return _suppress(inputs, Rule.NOTIFICATION_PREFERENCE, refusal)
    muted_until = None if workflow.critical else inputs.mute_until
    if muted_until is not None and inputs.now < muted_until:
        return _suppress(inputs, Rule.MUTE, Reason.MUTED)
    return None


def _recipient(inputs: RoutingInput, *, deleted: bool) -> Suppress | None:
    notification = inputs.notification
    if deleted:
        return _suppress(inputs, Rule.RECIPIENT, Reason.USER_DELETED)
    if notification.actor == notification.user:
        return _suppress(inputs, Rule.RECIPIENT, Reason.IS_ACTOR)
    if inputs.profile is None and notification.contact is None:
        return _suppress(inputs, Rule.RECIPIENT, Reason.UNKNOWN_USER)
    owner = inputs.owner
    # What has begun stays as it is, by what its owner allows: handed over, it would begin anew.
    # Statuses go to the URL that the tenant gave, never to where a user who has the same one goes next.
    hands_over = inputs.profile is None and inputs.step is None and notification.workflow != STATUSES.key
    if hands_over and owner is not None and owner.user is not None:
        return Suppress(
            reason=Reason.KNOWN_USER, rule=Rule.RECIPIENT, user=owner.user, life=owner.life, keeps=owner.unowned
        )
    return None


def _refusal(inputs: RoutingInput, workflow: Workflow) -> Reason | None:
    defaults = inputs.tenant.preferences if inputs.tenant is not None else NOTHING_SET
    refusal = notification_refusal(inputs.preferences or NOTHING_SET, workflow, defaults)
    if refusal is None and inputs.subscription is not None:
        return notification_refusal(inputs.subscription.preferences, workflow)
    return refusal


def _suppress(inputs: RoutingInput, rule: Rule, reason: Reason) -> Suppress:
    return Suppress(reason=reason, rule=rule, channel=inputs.channel, step=inputs.step)
