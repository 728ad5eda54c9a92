"""What the multi-channel queue shows of a notification: its row, a row per attempt, and the row of the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from carillon.integrations.numbers import number_of
from carillon.integrations.queue_requests import MESSAGE, NotificationRequest, entity_of


class QueueStatus(StrEnum):
    """Where a notification stands."""

    PENDING = "pending"
    RETRYING = "retrying"
    SENT = "sent"
    FAILED = "failed"
    """Its retries are used up; or nobody is to get it: cancelled, expired, not wanted. `error_message` says which."""


STATES: Final[Mapping[QueueStatus, tuple[str, ...]]] = {
    QueueStatus.PENDING: ("accepted", "queued", "held", "stale"),
    QueueStatus.RETRYING: ("retrying", "parked"),
    QueueStatus.SENT: ("sent", "delivered"),
    QueueStatus.FAILED: (
        *("dead", "undelivered", "bounced", "complained", "unconfirmed"),
        *("suppressed", "cancelled", "expired", "superseded", "digested"),
    ),
}
"""The platform's words for each. One that was tried before is between two attempts, and not pending any more."""
_STATUS: Final = {state: status for status, states in STATES.items() for state in states}
_FAULTY: Final = frozenset({QueueStatus.RETRYING, QueueStatus.FAILED})
_SENT: Final = frozenset({"sent", "simulated"})


@dataclass(frozen=True, kw_only=True)
class QueuedNotification:
    """A notification as a row of the queue. Times are RFC 3339.

    What was to be said and to whom is known of what was just queued alone: no text and no address is kept.
    """

    notification_id: int
    id: str
    """The same as the platform writes it: the id of the event that the call was."""
    status: QueueStatus
    entity_type: str | None = None
    entity_id: int | str | None = None
    channel: str | None = None
    recipient: str | None = None
    subject: str | None = None
    body: str | None = None
    template_id: str | None = None
    template_data: Mapping[str, Any] | None = None
    priority: str | None = None
    retry_count: int = 0
    max_retries: int | None = None
    next_retry_at: str | None = None
    sent_at: str | None = None
    failed_at: str | None = None
    error_message: str | None = None
    created_at: str | None = None
    updated_at: str | None = None

    def audit_row(self) -> dict[str, Any]:
        """What an audit log says of it: that it was triggered, and with what."""
        metadata = {name: getattr(self, name) for name in ("notification_id", "channel", "recipient", "priority")}
        return {
            "entity_type": self.entity_type,
            "entity_id": self.entity_id,
            "action": "notification_triggered",
            "action_by_type": "system",
            "metadata": metadata | {"max_retries": self.max_retries, "template_id": self.template_id},
        }


@dataclass(frozen=True, kw_only=True)
class NotificationAttempt:
    """One attempt to send. `response_data`: who was asked, what the provider said and how long it took."""

    notification_id: int
    attempt_number: int
    status: QueueStatus
    error_message: str | None
    response_data: Mapping[str, Any] | None
    created_at: str

    def row(self) -> dict[str, Any]:
        """As an object of JSON."""
        return asdict(self)


def queued(request: NotificationRequest, id_: str) -> QueuedNotification:
    """The row of what was just accepted as an event."""
    return QueuedNotification(
        notification_id=number_of(id_),
        id=id_,
        status=QueueStatus.PENDING,
        entity_type=request.entity_type,
        entity_id=request.entity_id,
        channel=str(request.channel),
        recipient=request.recipient,
        subject=request.subject,
        body=request.body,
        template_id=request.template_id,
        template_data=request.template_data,
        priority=str(request.priority),
        max_retries=request.max_retries,
    )


def row_of(timeline: Mapping[str, Any]) -> QueuedNotification:
    """The row of a notification that the platform tells of."""
    channel = next(iter(timeline["channels"]), {"state": "accepted"})
    delivery: Mapping[str, Any] = next(
        (each for each in timeline["deliveries"] if each["delivery"] == channel.get("delivery")), {}
    )
    facts: dict[str, Any] = dict(timeline)
    for entry in timeline["entries"]:
        facts |= entry["detail"]
    facts |= {name: channel.get(name) for name in ("state", "channel", "reason", "at", "until")}
    return _row(facts | {"code": delivery.get("code"), "attempts": delivery.get("attempts")})


def goes_on_elsewhere(found: Mapping[str, Any]) -> bool:
    """Whether the address turned out to be a user's, who has a notification of their own instead."""
    return found.get("reason") == "known_user"


def states_of(status: QueueStatus) -> str:
    """The states in which deliveries of a status may be found, as a listing is asked for them."""
    retried = STATES[QueueStatus.PENDING] if status is QueueStatus.RETRYING else ()
    return ",".join((*STATES[status], *retried))


def row_of_delivery(found: Mapping[str, Any]) -> QueuedNotification:
    """The row of a notification that a listing of deliveries names."""
    return _row({**found, "event_subject": found.get("subject"), "until": found.get("due")})


def attempts_of(timeline: Mapping[str, Any]) -> list[NotificationAttempt]:
    """A row for each attempt, oldest first; of more than twenty the newest."""
    number = number_of(timeline["event_id"])
    found: list[NotificationAttempt] = []
    for delivery in timeline["deliveries"]:
        log = delivery.get("log", ())
        before = max(0, delivery.get("attempts", 0) - len(log))
        over = _STATUS.get(delivery["state"]) is QueueStatus.FAILED
        for position, attempt in enumerate(log, 1):
            status = QueueStatus.SENT if attempt["outcome"] in _SENT else QueueStatus.RETRYING
            if status is QueueStatus.RETRYING and over and position == len(log):
                status = QueueStatus.FAILED
            found.append(
                NotificationAttempt(
                    notification_id=number,
                    attempt_number=before + position,
                    status=status,
                    error_message=None if status is QueueStatus.SENT else _error(attempt.get("fault"), attempt),
                    response_data={
                        name: attempt[name] for name in ("account", "code", "latency_ms") if name in attempt
                    },
                    created_at=attempt["at"],
                )
            )
    return found


def _row(found: Mapping[str, Any]) -> QueuedNotification:
    status, attempts = _STATUS.get(found["state"], QueueStatus.PENDING), found.get("attempts") or 0
    if goes_on_elsewhere(found):
        status = QueueStatus.PENDING
    elif status is QueueStatus.PENDING and attempts:
        status = QueueStatus.RETRYING
    entity_type, entity_id = entity_of(found.get("event_subject"))
    template = (found.get("workflow") or "").rpartition(".")[2]
    return QueuedNotification(
        notification_id=number_of(found["event_id"]),
        id=found["event_id"],
        status=status,
        entity_type=entity_type,
        entity_id=entity_id,
        channel=found.get("channel"),
        recipient=found.get("user"),
        template_id=template if template != MESSAGE else None,
        priority=found.get("priority"),
        retry_count=max(0, attempts - 1),
        max_retries=found.get("max_retries"),
        next_retry_at=found.get("until") if status is QueueStatus.RETRYING else None,
        sent_at=found.get("at") if status is QueueStatus.SENT else None,
        failed_at=found.get("at") if status is QueueStatus.FAILED else None,
        error_message=_error(found.get("reason"), found) if status in _FAULTY else None,
        created_at=found.get("accepted_at"),
        updated_at=found.get("at"),
    )


def _error(reason: str | None, found: Mapping[str, Any]) -> str | None:
    """The platform's word, then the provider's."""
    return ": ".join(filter(None, (reason, found.get("code")))) or None
