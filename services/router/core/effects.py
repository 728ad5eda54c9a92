"""What must follow a decision: deliveries, holds, closed ledger rows and one status.

Everything derives from the decision and its record, so a replay repeats it to the letter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from services.router.core.decision import Decision
from shared.deciding.items import Deliver, HoldUntil, RoutingItem, Suppress
from shared.model import ids
from shared.model.channels import Channel
from shared.model.claims import Closing
from shared.model.deliveries import Delivery, DeliveryResult, DeliveryState
from shared.model.holds import Hastening, Hold
from shared.model.notifications import Notification
from shared.model.outputs import Output
from shared.model.reasons import Reason
from shared.model.records import Kind, Record, encode, notify, profile_changed
from shared.model.statuses import Subject, status
from shared.model.timestamps import rfc3339
from shared.model.topics import Topics


class DecisionState(StrEnum):
    """The last word of `carillon.notification.*`, and of `carillon.delivery.*` when a delivery was decided again."""

    ROUTED = "routed"
    HELD = "held"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


ENDS = {Reason.CANCELLED: DecisionState.CANCELLED, Reason.EXPIRED: DecisionState.EXPIRED}


class DecisionEffects(msgspec.Struct, frozen=True, kw_only=True):
    """All that follows one chunk's decisions."""

    outputs: list[Output]
    holds: list[Hold]
    closings: list[Closing]


def derive_effects(topics: Topics, decisions: list[Decision]) -> DecisionEffects:
    """The effects of decisions, in their order."""
    result = DecisionEffects(outputs=[], holds=[], closings=[])
    for decision in decisions:
        described = []
        for item in decision.items:
            about: dict[str, object] = {"channel": item.channel, "step": item.step, "outcome": item.outcome}
            if isinstance(item, Deliver):
                delivery = _delivery(decision, item)
                result.outputs.append(_output(topics, delivery))
                described.append(about | {"delivery": delivery.id})
            elif isinstance(item, HoldUntil):
                hold = _hold(decision, item)
                result.holds.append(hold)
                described.append(about | _describe_hold(item, hold))
            else:
                if decision.record.delivery is not None:
                    result.closings.append(_closing(decision, decision.record.delivery, item))
                about |= {"reason": item.reason, "rule": item.rule}
                if item.user is not None:
                    instead = _instead(decision.notification, item.user, item.life, item.keeps)
                    result.outputs.append(_notify(topics, decision.record, instead))
                    about |= {"user": instead.user, "notification": instead.id}
                described.append(about)
        result.outputs.append(_status(topics, decision, described))
    return result


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
    earlier = record.delivery
    endpoint = earlier.endpoint if earlier else "default"
    return Delivery(
        id=ids.delivery_id(notification.id, item.step, item.channel, endpoint),
        channel=item.channel,
        step=item.step,
        endpoint=endpoint,
        address=item.address,
        name=item.name,
        locale=item.locale,
        notification=notification,
        decided_at=decision.at,
        valid_until=item.valid_until,
        attempts=earlier.attempts if earlier else 0,
        first_failed_at=earlier.first_failed_at if earlier else None,
        generation=record.generation,
        pass_=record.pass_,
        profile_version=decision.profile_version,
        format=max(record.format, item.channel.spec.since),
    )


def _output(topics: Topics, delivery: Delivery) -> Output:
    notification = delivery.notification
    headers = [("traceparent", notification.traceparent.encode())] if notification.traceparent else []
    key = ids.user_key(notification.tenant, notification.user)
    return Output(topics.deliveries(delivery.channel, delivery.lane), key, encode(delivery), headers)


def _instead(notification: Notification, user: str, life: int, keeps: Sequence[str]) -> Notification:
    """The notification of the user whom an inline person turned out to be: the same one as if the user had been named."""
    contact = notification.contact
    left = {kind: contact.addresses[kind] for kind in keeps} if contact else {}
    return msgspec.structs.replace(
        notification,
        id=ids.notification_id(notification.event_id, notification.workflow, user),
        user=user,
        life=life,
        contact=msgspec.structs.replace(contact, addresses=left) if contact and left else None,
    )


def _notify(topics: Topics, record: Record, notification: Notification) -> Output:
    back = msgspec.structs.replace(
        notify(notification), generation=record.generation, format=record.format, in_its_life=True
    )
    return Output(topics.notifications, ids.user_key(notification.tenant, notification.user), encode(back), [])


def _hold(decision: Decision, item: HoldUntil) -> Hold:
    """The record that comes back: the same subject one pass on, or the channel alone that waits."""
    record, notification = decision.record, decision.notification
    if record.delivery is not None:
        back = msgspec.structs.replace(record, kind=Kind.RETRY, pass_=record.pass_ + 1, due=item.due)
    else:
        subject = record.subject
        if item.channel is not None:
            subject = ids.step_id(notification.id, item.step or "", item.channel)
        back = Record(
            kind=Kind.RELEASE,
            tenant=record.tenant,
            user=record.user,
            subject=subject,
            generation=record.generation,
            pass_=record.pass_ + 1,
            due=item.due,
            notification=notification,
            channel=item.channel,
            step=item.step,
            format=max(record.format, item.channel.spec.since) if item.channel else record.format,
        )
    return Hold(cause=item.cause, due=item.due, record=back)


def _closing(decision: Decision, delivery: Delivery, item: Suppress) -> Closing:
    state = DeliveryState(ENDS.get(item.reason, DecisionState.SUPPRESSED))
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
        "event_type": notification.event_type,
        "priority": notification.priority,
        "kind": record.kind,
        "accepted_at": rfc3339(notification.accepted_at),
        "profile_version": decision.profile_version,
        "partition": decision.coordinates.partition,
        "offset": decision.coordinates.offset,
        "items": described,
    }
    return status(
        topics.statuses,
        area="delivery" if record.delivery is not None else "notification",
        state=state(decision.items),
        subject=Subject(record.subject, record.generation, record.pass_),
        tenant=notification.tenant,
        user=notification.user,
        at=decision.at,
        data=data,
    )


def state(items: tuple[RoutingItem, ...]) -> DecisionState:
    """One word for a decision: routed if anything goes out, held if anything waits, else how it ended."""
    kinds = {type(item) for item in items}
    if Deliver in kinds:
        return DecisionState.ROUTED
    if HoldUntil in kinds:
        return DecisionState.HELD
    reasons = {item.reason for item in items if isinstance(item, Suppress)}
    return ENDS.get(next(iter(reasons)), DecisionState.SUPPRESSED) if len(reasons) == 1 else DecisionState.SUPPRESSED


def _describe_hold(item: HoldUntil, hold: Hold) -> dict[str, object]:
    return {
        "reason": item.reason,
        "rule": item.rule,
        "due": rfc3339(item.due),
        "hold": hold.id,
        "subject": hold.record.subject,
    }
