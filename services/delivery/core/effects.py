"""Every output that must follow a result. A replay that meets the recorded result emits them all again."""

from __future__ import annotations

import msgspec

from services.delivery.core.dead_addresses import suppression
from services.delivery.core.dead_devices import DeviceRemoval, device_removal
from shared.model import ids
from shared.model.dead_letters import dead_letter
from shared.model.deliveries import Delivery, DeliveryResult, DeliveryState, ReceivedDelivery
from shared.model.holds import Cause, Hold
from shared.model.outputs import Output
from shared.model.reasons import Reason
from shared.model.records import Kind, Record, encode
from shared.model.staging import SendMode
from shared.model.statuses import Subject, copy_facts, status, subject_fact
from shared.model.suppressions import Suppression
from shared.model.timestamps import rfc3339
from shared.model.topics import Topics

CAUSES = {DeliveryState.RETRYING: Cause.RETRY, DeliveryState.PARKED: Cause.PROVIDER_DOWN}


class DeliveryEffects(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be written, in this order: what tells of the result, then what brings the delivery back.

    Once it has come back its row goes on, and a replay of this record would find nothing left to tell.
    """

    outputs: list[Output]
    hold: Hold | None = None
    again: Output | None = None
    """Its record for `decide`, at once."""
    removal: DeviceRemoval | None = None
    suppression: Suppression | None = None


def derive_effects(topics: Topics, received: ReceivedDelivery, result: DeliveryResult) -> DeliveryEffects:
    """What follows `result`."""
    delivery = received.delivery
    outputs = [delivery_status(topics, delivery, result)]
    if result.state is DeliveryState.DEAD:
        outputs.append(delivery_dead_letter(topics, received, result))
        if result.reason is Reason.ENDPOINT_GONE and result.mode is not SendMode.REDIRECTED:
            outputs.append(_endpoint_disabled(topics, delivery, result))
        outputs += fallback(topics, delivery)
        return DeliveryEffects(
            outputs=outputs,
            removal=device_removal(topics, delivery, result),
            suppression=suppression(delivery, result),
        )
    if result.state is DeliveryState.STALE:
        return DeliveryEffects(outputs=outputs, again=_again(topics, _back(delivery, result, Kind.STALE)))
    cause = CAUSES.get(result.state)
    if cause is None or result.due is None:
        return DeliveryEffects(outputs=outputs)
    return DeliveryEffects(
        outputs=outputs,
        hold=Hold(cause=cause, due=result.due, record=_back(delivery, result, Kind.RETRY), account=result.account),
    )


def delivery_status(topics: Topics, delivery: Delivery, result: DeliveryResult) -> Output:
    """`carillon.delivery.<state>`: ids, reason, code and the account that was asked last, never an address or contents."""
    notification = delivery.notification
    last = result.log[-1] if result.log else None
    data: dict[str, object] = {
        "notification": notification.id,
        "delivery": delivery.id,
        "channel": delivery.channel,
        "step": delivery.step,
        "workflow": notification.workflow,
        "version": notification.version,
        "event_id": notification.event_id,
        **subject_fact(notification.subject),
        "attempts": result.attempts,
        "reason": result.reason,
        "code": result.code,
        "provider": last and last.account,
        "latency_ms": last and last.latency_ms,
        **({"mode": result.mode} if result.mode is not None else {}),
        "due": rfc3339(result.due) if result.due is not None else None,
        "accepted_at": rfc3339(notification.accepted_at),
    }
    data |= copy_facts(delivery.variant, delivery.locale)
    if result.state is DeliveryState.DEAD and delivery.fallback:
        data["fallback"] = delivery.fallback
    return status(
        topics.statuses,
        area="delivery",
        state=result.state,
        subject=Subject(delivery.id, delivery.generation, delivery.pass_),
        tenant=notification.tenant,
        user=notification.user,
        at=result.at,
        data=data,
    )


def _endpoint_disabled(topics: Topics, delivery: Delivery, result: DeliveryResult) -> Output:
    """`carillon.endpoint.disabled`: the delivery that found it gone tells it; never the address."""
    notification = delivery.notification
    return status(
        topics.statuses,
        area="endpoint",
        state="disabled",
        subject=Subject(delivery.id, delivery.generation, delivery.pass_),
        tenant=notification.tenant,
        user=notification.user,
        at=result.at,
        data={
            "notification": notification.id,
            "delivery": delivery.id,
            "channel": delivery.channel,
            "endpoint": ids.endpoint_id(notification.tenant, delivery.address),
            "code": result.code,
        },
    )


def delivery_dead_letter(topics: Topics, received: ReceivedDelivery, result: DeliveryResult) -> Output:
    """The record as it came, with headers that say where it stood and why nobody retries it."""
    delivery = received.delivery
    return dead_letter(
        topics.deliveries_dlq(delivery.channel),
        received.record,
        group=topics.delivery_group(delivery.channel, delivery.lane),
        code=result.code or str(result.reason),
        error_class=str(result.reason),
        at=result.at,
        first_failed_at=delivery.first_failed_at,
        attempts=result.attempts,
    )


def fallback(topics: Topics, delivery: Delivery) -> list[Output]:
    """For `decide`, of a delivery that failed for good: its step has other channels. Nothing if it has none.

    Repeated, it is the same subject at the same pass: a duplicate.
    """
    if not delivery.fallback:
        return []
    notification = delivery.notification
    record = Record(
        kind=Kind.FAILED,
        tenant=notification.tenant,
        user=notification.user,
        subject=ids.fallback_id(delivery.id),
        generation=delivery.generation,
        delivery=delivery,
        format=max(Kind.FAILED.since, delivery.format),
    )
    return [_again(topics, record)]


def _back(delivery: Delivery, result: DeliveryResult, kind: Kind) -> Record:
    """The delivery for `decide` again, one pass on."""
    notification = delivery.notification
    return Record(
        kind=kind,
        tenant=notification.tenant,
        user=notification.user,
        subject=delivery.id,
        generation=delivery.generation,
        pass_=delivery.pass_ + 1,
        # What is parked may come back long before: it is decided when that is, not at its latest time.
        due=None if result.account else result.due,
        delivery=msgspec.structs.replace(
            delivery,
            attempts=result.attempts,
            first_failed_at=_first_failed_at(delivery, result),
            turn_at=result.due if result.reason is Reason.RATE_LIMITED else None,
            turns=result.turns,
        ),
        format=max(delivery.format, result.format),  # who closes its row has to know the row's state
    )


def _first_failed_at(delivery: Delivery, result: DeliveryResult) -> int | None:
    if delivery.first_failed_at is None and result.attempts > delivery.attempts:
        return result.at
    return delivery.first_failed_at


def _again(topics: Topics, record: Record) -> Output:
    return Output(topics.notifications, ids.user_key(record.tenant, record.user), encode(record), [])
