"""What must follow a decision: deliveries, holds, closed ledger rows and one status.

Everything derives from the decision and its record, so a replay repeats it to the letter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from services.router.core.decision import Decision
from services.router.core.held import held
from shared.deciding.instead import instead
from shared.deciding.items import Counted, Deliver, Gathered, HoldUntil, Replaced, RoutingItem, Suppress
from shared.model import ids
from shared.model.channels import Channel
from shared.model.claims import Closing
from shared.model.deliveries import Delivery, DeliveryResult, DeliveryState
from shared.model.holds import Hastening, Hold
from shared.model.notification_states import NotificationState
from shared.model.notifications import Notification
from shared.model.outputs import Output
from shared.model.reasons import Reason
from shared.model.records import Kind, Record, encode, notify, profile_changed
from shared.model.statuses import Subject, retries_fact, status, subject_fact
from shared.model.timestamps import rfc3339
from shared.model.topics import Topics
from shared.model.workflows import STEPS_SINCE

ENDS = {
    Reason.CANCELLED: NotificationState.CANCELLED,
    Reason.EXPIRED: NotificationState.EXPIRED,
    Reason.DIGESTED: NotificationState.DIGESTED,
    Reason.SUPERSEDED: NotificationState.SUPERSEDED,
}
CLOSED = {Reason.CANCELLED: DeliveryState.CANCELLED, Reason.EXPIRED: DeliveryState.EXPIRED}
"""How a ledger row ends that `decide` closes; else as suppressed."""


class DecisionEffects(msgspec.Struct, frozen=True, kw_only=True):
    """All that follows one chunk's decisions."""

    outputs: list[Output]
    holds: list[Hold]
    closings: list[Closing]
    full: list[str]
    """Holds to bring forward: their digests are full."""
    superseded: list[tuple[str, str]]
    """Notifications (tenant and id) whose holds are brought forward: a newer one took their place."""


def derive_effects(topics: Topics, decisions: list[Decision]) -> DecisionEffects:
    """The effects of decisions, in their order."""
    result = DecisionEffects(outputs=[], holds=[], closings=[], full=[], superseded=[])
    for decision in decisions:
        described = []
        for item in decision.items:
            if isinstance(item, Deliver):
                delivery = _delivery(decision, item)
                result.outputs.append(_output(topics, delivery))
                described.append(_described(item) | {"delivery": delivery.id})
            elif isinstance(item, HoldUntil):
                hold = held(decision, item)
                result.holds.append(hold)
                described.append(_described(item) | _describe_hold(item, hold))
            elif isinstance(item, Suppress):
                described.append(_suppress(topics, decision, item, result))
            else:
                described.append(_mark(decision.notification, item, result))
        result.outputs.append(_status(topics, decision, described))
    return result


def _described(item: Deliver | HoldUntil | Suppress) -> dict[str, object]:
    return {"channel": item.channel, "step": item.step, "outcome": item.outcome}


def _suppress(topics: Topics, decision: Decision, item: Suppress, result: DecisionEffects) -> dict[str, object]:
    """Closes the row of the delivery that it is about, and sends on what is somebody else's."""
    about = _described(item) | {"reason": item.reason, "rule": item.rule}
    delivery = decision.record.delivery
    if delivery is not None and item.channel in (None, delivery.channel):
        result.closings.append(_closing(decision, delivery, item))
    if item.digest is not None:
        about["digest"] = item.digest
    if item.clause is not None:
        about["clause"] = item.clause
    if item.user is not None:
        theirs = instead(decision.notification, item)
        result.outputs.append(_notify(topics, decision.record, theirs))
        about |= {"user": theirs.user, "notification": theirs.id}
    return about


def _mark(
    notification: Notification, item: Counted | Gathered | Replaced, result: DecisionEffects
) -> dict[str, object]:
    about: dict[str, object] = {"outcome": item.outcome, "rule": item.rule}
    if isinstance(item, Gathered):
        if item.hold is not None:
            result.full.append(item.hold)
        return about | {"step": item.step, "change": item.change, "digest": item.digest, "items": item.items}
    if isinstance(item, Replaced):
        # A test names whom it likes: what waits because of a delay is not to be hurried by it.
        if item.notification is not None and not (item.named and notification.test):
            result.superseded.append((notification.tenant, item.notification))
        return about | {"notification": item.notification} | ({"named": True} if item.named else {})
    return about | {"step": item.step, "seconds": item.seconds}


def begin_lives(topics: Topics, changed: Mapping[str, Hastening]) -> list[Output]:
    """For the lane of in_app, behind every row of before: which life of each user (by key) has begun."""
    begun: list[Output] = []
    for key, change in changed.items():
        if change.life and not change.after:
            tenant, _, user = key.partition(":")
            record = encode(profile_changed(tenant, user, change.life))
            begun.append(Output(topics.deliveries(Channel.IN_APP), ids.user_key(tenant, user), record, []))
    return begun


def _delivery(decision: Decision, item: Deliver) -> Delivery:
    record, notification = decision.record, decision.notification
    earlier = record.delivery if record.delivery and record.delivery.channel is item.channel else None
    digest = decision.digest_for(item) if decision.content else record.delivery.digest if record.delivery else None
    uses_more = item.fallback or item.variant or item.replaces or digest
    endpoint = earlier.endpoint if earlier else item.endpoint
    made = Delivery(
        id=ids.delivery_id(notification.id, item.step, item.channel, endpoint),
        channel=item.channel,
        step=item.step,
        endpoint=endpoint,
        address=item.address,
        name=item.name,
        locale=item.locale,
        zone=item.zone,
        notification=notification,
        decided_at=decision.at,
        valid_until=item.valid_until,
        attempts=earlier.attempts if earlier else 0,
        first_failed_at=earlier.first_failed_at if earlier else None,
        turn_at=earlier.turn_at if earlier else None,
        turns=earlier.turns if earlier else 0,
        generation=record.generation,
        pass_=record.pass_,
        profile_version=decision.profile_version,
        tenant_version=decision.tenant_version,
        format=max(record.format, item.channel.spec.since),
    )
    if not uses_more:
        return made
    return msgspec.structs.replace(
        made,
        fallback=item.fallback,
        fallback_at=item.fallback_at,
        variant=item.variant,
        replaces=item.replaces,
        digest=digest,
        format=max(made.format, STEPS_SINCE),
    )


def _output(topics: Topics, delivery: Delivery) -> Output:
    notification = delivery.notification
    headers = [("traceparent", notification.traceparent.encode())] if notification.traceparent else []
    key = ids.user_key(notification.tenant, notification.user)
    return Output(topics.deliveries(delivery.channel, delivery.lane), key, encode(delivery), headers)


def _notify(topics: Topics, record: Record, notification: Notification) -> Output:
    back = msgspec.structs.replace(
        notify(notification), generation=record.generation, format=record.format, in_its_life=True
    )
    return Output(topics.notifications, ids.user_key(notification.tenant, notification.user), encode(back), [])


def _closing(decision: Decision, delivery: Delivery, item: Suppress) -> Closing:
    state = CLOSED.get(item.reason, DeliveryState.SUPPRESSED)
    result = DeliveryResult(state=state, at=decision.at, attempts=delivery.attempts, reason=item.reason)
    return Closing(
        delivery=delivery.id, generation=decision.record.generation, pass_=decision.record.pass_, result=result
    )


def _status(topics: Topics, decision: Decision, described: list[dict[str, object]]) -> Output:
    """The decision as the world sees it: every item with its reason, never an address."""
    record, notification = decision.record, decision.notification
    data: dict[str, object] = {
        "notification": notification.id,
        "workflow": notification.workflow,
        "version": notification.version,
        "event_id": notification.event_id,
        **subject_fact(notification.subject),
        "event_type": notification.event_type,
        "priority": notification.priority,
        **retries_fact(notification.max_retries),
        "kind": record.kind,
        "accepted_at": rfc3339(notification.accepted_at),
        "profile_version": decision.profile_version,
        "partition": decision.coordinates.partition,
        "offset": decision.coordinates.offset,
        "items": described,
    }
    return status(
        topics.statuses,
        area="delivery" if record.delivery is not None and record.kind is not Kind.FAILED else "notification",
        state=state(decision.items),
        subject=Subject(record.subject, record.generation, record.pass_),
        tenant=notification.tenant,
        user=notification.user,
        at=decision.at,
        data=data,
    )


def state(items: Sequence[RoutingItem]) -> NotificationState:
    """One word for a decision: routed if anything goes out, held if anything waits, else how it ended."""
    kinds = {type(item) for item in items}
    if Deliver in kinds:
        return NotificationState.ROUTED
    if HoldUntil in kinds:
        return NotificationState.HELD
    reasons = {item.reason for item in items if isinstance(item, Suppress)}
    return (
        ENDS.get(next(iter(reasons)), NotificationState.SUPPRESSED)
        if len(reasons) == 1
        else NotificationState.SUPPRESSED
    )


def _describe_hold(item: HoldUntil, hold: Hold) -> dict[str, object]:
    return {
        "reason": item.reason,
        "rule": item.rule,
        "due": rfc3339(item.due),
        "hold": hold.id,
        "subject": hold.record.subject,
    }
