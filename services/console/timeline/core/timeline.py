"""What happened to one notification: its timeline, built from the rows that MongoDB has of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from services.console.timeline.core.channel_states import (
    ChannelState,
    TimelineState,
    channel_states,
    is_decided,
    progress,
)
from services.console.timeline.core.rows import StoredRow, StoredRows
from services.console.timeline.core.rule_results import RuleEntry, rule_entries
from shared.deciding.sentences import shown
from shared.model.attempts import attempts_of
from shared.model.receipts import receipted_state
from shared.model.timestamps import from_datetime, parse_rfc3339, rfc3339

OWN_FIELDS: Final = frozenset({"user", "generation", "pass", "notification", "channel", "delivery", "reason"})
"""What of a status is not in an entry's `detail`: the entry has a field for it, or all entries share it."""
FACTS: Final = ("workflow", "version", "event_id", "event_type", "accepted_at")


class StatusEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One status. `type` is its area: notification, delivery or inbox."""

    at: str
    type: str
    state: str
    generation: int
    pass_: int = msgspec.field(name="pass")
    ms_since_accept: int
    detail: dict[str, Any]
    channel: str | None = None
    delivery: str | None = None
    reason: str | None = None


class DecisionEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One decision: the coordinates of its record, the inputs, and the result of each rule."""

    at: str
    kind: str
    subject: str
    generation: int
    pass_: int = msgspec.field(name="pass")
    topic: str
    partition: int
    offset: int
    workflow: str
    version: int
    profile_version: int
    inputs: dict[str, Any]
    """What was known of the user."""
    context: dict[str, Any]
    """What else the rules looked at: settings of the tenant, suppressed addresses, what happened before."""
    rules: list[RuleEntry]
    items: list[dict[str, Any]]


class AttemptEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One try at one provider's account."""

    at: str
    account: str
    outcome: str
    latency_ms: int
    fault: str | None = None
    """Whose, where it came to nothing."""
    code: str | None = None


class DeliveryEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A delivery's row in the ledger, and what its provider told since."""

    delivery: str
    state: str
    generation: int
    pass_: int = msgspec.field(name="pass")
    channel: str | None = None
    attempts: int | None = None
    reason: str | None = None
    code: str | None = None
    """The provider's own code."""
    due: str | None = None
    log: tuple[AttemptEntry, ...] = ()
    """The newest attempts, those included that another provider made good."""


class HoldEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A hold: what it waits for, and until when."""

    hold: str
    cause: str
    due: str
    channel: str | None = None
    """None: the whole notification waits, or its run."""
    step: str | None = None
    """Where the run goes on."""


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one notification, in order of time."""

    notification: str
    tenant: str
    user: str
    workflow: str | None
    version: int | None
    event_id: str | None
    event_type: str | None
    accepted_at: str | None
    state: TimelineState
    channels: list[ChannelState]
    entries: list[StatusEntry]
    decisions: list[DecisionEntry]
    deliveries: list[DeliveryEntry]
    holds: list[HoldEntry]
    complete: bool
    """False: the oldest entries or decisions may be left out."""


def build_timeline(notification: str, tenant: str, stored: StoredRows) -> Timeline | None:
    """The timeline; None when nothing is stored of the notification."""
    anything = [*stored.statuses, *stored.decisions, *stored.deliveries, *stored.holds]
    if not anything:
        return None
    facts = _facts(stored)
    accepted_at = facts.get("accepted_at")
    since = parse_rfc3339(accepted_at) if accepted_at else _first(stored.statuses)
    channels = channel_states(stored.statuses)
    known = is_decided(stored.statuses) or not stored.complete
    return Timeline(
        notification=notification,
        tenant=tenant,
        user=anything[0]["user"],
        workflow=facts.get("workflow"),
        version=facts.get("version"),
        event_id=facts.get("event_id"),
        event_type=facts.get("event_type"),
        accepted_at=accepted_at,
        state=progress(channels) if known else TimelineState.OPEN,
        channels=channels,
        entries=[_entry(row, since) for row in sorted(stored.statuses, key=_when)],
        decisions=[_decision(row) for row in sorted(stored.decisions, key=_when)],
        deliveries=[_delivery(row) for row in stored.deliveries],
        holds=[_hold(row) for row in stored.holds],
        complete=stored.complete,
    )


def _facts(stored: StoredRows) -> dict[str, Any]:
    """The notification's own fields, from statuses and decisions; a decision may be stored before its status."""
    facts: dict[str, Any] = {}
    for source in (*stored.decisions, *(row["data"] for row in stored.statuses)):
        facts |= {name: source[name] for name in FACTS if source.get(name) is not None}
    return facts


def _first(rows: Sequence[StoredRow]) -> int:
    return min((from_datetime(row["at"]) for row in rows), default=0)


def _when(row: StoredRow) -> tuple[datetime, int, int]:
    place = row.get("data", row)
    return row["at"], place.get("generation", 0), place.get("pass", 0)


def _entry(row: StoredRow, since: int) -> StatusEntry:
    data, at = row["data"], from_datetime(row["at"])
    area, _, state = str(row["type"]).removeprefix("carillon.").partition(".")
    return StatusEntry(
        at=rfc3339(at),
        type=area,
        state=state,
        generation=data.get("generation", 0),
        pass_=data.get("pass", 0),
        ms_since_accept=at - since,
        detail={name: value for name, value in data.items() if name not in OWN_FIELDS and value is not None},
        channel=data.get("channel"),
        delivery=data.get("delivery") or (row["subject"] if area == "delivery" else None),
        reason=data.get("reason"),
    )


def _decision(row: StoredRow) -> DecisionEntry:
    return DecisionEntry(
        at=rfc3339(from_datetime(row["at"])),
        kind=row["kind"],
        subject=row["subject"],
        generation=row["generation"],
        pass_=row["pass"],
        topic=row["topic"],
        partition=row["partition"],
        offset=row["offset"],
        workflow=row["workflow"],
        version=row["version"],
        profile_version=row["profile_version"],
        inputs=row["inputs"],
        context=row.get("context", {}),
        rules=rule_entries(row["items"]),
        items=[shown(item) for item in row["items"]],
    )


def _delivery(row: StoredRow) -> DeliveryEntry:
    result = row.get("result") or {}
    due = result.get("due")
    return DeliveryEntry(
        delivery=row["_id"],
        state=receipted_state(row["state"], row["generation"], row.get("receipt")),
        generation=row["generation"],
        pass_=row["pass"],
        channel=row.get("channel"),
        attempts=row.get("attempts"),
        reason=result.get("reason"),
        code=result.get("code"),
        due=None if due is None else rfc3339(due),
        log=tuple(_attempt(attempt) for attempt in attempts_of(row)),
    )


def _attempt(attempt: StoredRow) -> AttemptEntry:
    return AttemptEntry(
        at=rfc3339(attempt["at"]),
        account=attempt["account"],
        outcome=attempt["outcome"],
        latency_ms=attempt["latency_ms"],
        fault=attempt.get("fault"),
        code=attempt.get("code"),
    )


def _hold(row: StoredRow) -> HoldEntry:
    return HoldEntry(
        hold=row["_id"],
        cause=row["cause"],
        due=rfc3339(from_datetime(row["due"])),
        channel=row.get("channel"),
        step=row.get("step"),
    )
