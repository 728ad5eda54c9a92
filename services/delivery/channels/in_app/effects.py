"""What must follow an in_app delivery: its announcement and its status, or how else it ended."""

from __future__ import annotations

from services.delivery.core.effects import delivery_dead_letter, delivery_status, fallback
from services.delivery.rendering.liquid import RenderFailed
from shared.model import ids
from shared.model.deliveries import Delivery, DeliveryResult, DeliveryState, ReceivedDelivery
from shared.model.inbox import Change, InboxEvent, InboxItem, copy_of, encode, item_state, notification_of
from shared.model.inbox_replacements import InboxRemoval
from shared.model.outputs import Output
from shared.model.reasons import Reason
from shared.model.statuses import Subject, status
from shared.model.topics import Topics


def announcement(
    topics: Topics, delivery: Delivery, item: InboxItem, *, receipt: bool = False, gone: bool = False
) -> list[Output]:
    """The row is there: for the sockets, and as a status. `receipt`: another one tells when it reaches a socket.

    `gone`: something has taken it out by now, so that no socket is told of it.
    """
    notification = delivery.notification
    key = ids.user_key(notification.tenant, notification.user)
    created = InboxEvent(
        change=Change.CREATED,
        items=(item,),
        at=item.created_at,
        life=notification.life,
        receipt=delivery.id if receipt else None,
        offset=item.offset,
    )
    result = DeliveryResult(state=DeliveryState.SENT, at=item.created_at, attempts=1)
    told = [] if gone else [Output(topics.inbox, key, encode(created), [])]
    return [*told, delivery_status(topics, delivery, result)]


def removed(topics: Topics, removal: InboxRemoval) -> list[Output]:
    """Items are gone: to the sockets they are deleted, and the status says what took their place, or that they are withdrawn."""
    tenant, user, life, items, unread, counted_to, unseen = removal
    event = InboxEvent(
        change=Change.DELETED,
        items=tuple(item_state(item) for item, _ in items),
        at=max(item.updated_at or 0 for item, _ in items),
        unread=unread,
        counted_to=counted_to,
        unseen=unseen,
        life=life,
    )
    statuses = [
        status(
            topics.statuses,
            area="inbox",
            state=Change.DELETED,
            subject=Subject(item.id, 0, 0),
            tenant=tenant,
            user=user,
            at=item.updated_at or event.at,
            data={"notification": notification_of(item), "workflow": item.workflow} | _why(replaced_by) | copy_of(item),
        )
        for item, replaced_by in items
    ]
    return [Output(topics.inbox, ids.user_key(tenant, user), encode(event), []), *statuses]


def _why(replaced_by: str | None) -> dict[str, object]:
    return {"withdrawn": True} if replaced_by is None else {"replaced_by": replaced_by}


def expired(topics: Topics, delivery: Delivery) -> Output:
    """It came too late for its inbox."""
    at = delivery.notification.expires_at
    result = DeliveryResult(state=DeliveryState.EXPIRED, at=at, attempts=0, reason=Reason.EXPIRED)
    return delivery_status(topics, delivery, result)


def unrenderable(delivery: Delivery, error: RenderFailed) -> DeliveryResult:
    """Its template fails with this data."""
    return DeliveryResult(
        state=DeliveryState.DEAD,
        at=delivery.decided_at,
        attempts=1,
        reason=Reason.RENDER_FAILED,
        code=str(error),
    )


def dead(topics: Topics, received: ReceivedDelivery, result: DeliveryResult) -> list[Output]:
    """A dead letter, its status, and the word to `decide` where its step has other channels."""
    delivery = received.delivery
    outputs = [delivery_status(topics, delivery, result), delivery_dead_letter(topics, received, result)]
    return outputs + fallback(topics, delivery)
