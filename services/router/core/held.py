"""The record that a hold brings back: the run one pass on, or the one channel that waits."""

from __future__ import annotations

import msgspec

from services.router.core.decision import Decision
from shared.deciding.items import HoldUntil
from shared.model import ids
from shared.model.holds import Hold
from shared.model.records import Kind, Record
from shared.model.workflows import STEPS_SINCE


def held(decision: Decision, item: HoldUntil) -> Hold:
    """The hold of an item."""
    record = decision.record
    if record.delivery is not None and item.channel in (None, record.delivery.channel):
        back = msgspec.structs.replace(
            record,
            kind=record.kind if record.kind is Kind.FAILED else Kind.RETRY,
            pass_=record.pass_ + 1,
            due=item.due,
            format=max(record.format, item.cause.since),
        )
    else:
        back = _release(decision, item)
    return Hold(cause=item.cause, due=item.due, record=back)


def _release(decision: Decision, item: HoldUntil) -> Record:
    record, notification = decision.record, decision.notification
    subject, number = record.subject, max(record.format, item.cause.since)
    gathered = record.delivery.digest if record.delivery is not None else None
    digest = item.digest or record.digest or (gathered.id if gathered is not None else None)
    if item.channel is not None:
        subject = ids.step_id(notification.id, item.step or "", item.channel)
        number = max(number, item.channel.spec.since)
    elif item.step is not None:
        number = max(number, STEPS_SINCE)
    if item.expires_at is not None:
        notification = msgspec.structs.replace(notification, expires_at=item.expires_at)
    return Record(
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
        digest=digest,
        format=number if digest is None else max(number, STEPS_SINCE),
    )
