"""The story of one notification (pure), put together from what MongoDB keeps of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from services.console.timeline.channel_states import ChannelState, Progress, channel_states, progress
from services.console.timeline.rule_results import RuleEntry, rule_entries
from shared.model.timestamps import from_datetime, parse_rfc3339, rfc3339

Row = Mapping[str, Any]
TOLD: Final = frozenset({"user", "generation", "pass", "notification", "channel", "delivery", "reason"})
"""What an entry says in fields of its own."""
FACTS: Final = ("workflow", "version", "event_id", "event_type", "accepted_at")


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What MongoDB keeps of one notification of one tenant."""

    statuses: Sequence[Row]
    decisions: Sequence[Row]
    deliveries: Sequence[Row]
    holds: Sequence[Row]


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
    """One trip through the door: where its record stood, what was known, what each rule said."""

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
    rules: list[RuleEntry]
    items: list[dict[str, Any]]


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A delivery's row in the ledger."""

    delivery: str
    state: str
    generation: int
    pass_: int = msgspec.field(name="pass")
    channel: str | None = None
    attempts: int | None = None
    reason: str | None = None
    code: str | None = None
    """What the provider said, in short."""
    due: str | None = None


class HoldEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A hold: what it waits for, and until when."""

    hold: str
    cause: str
    due: str
    channel: str | None = None


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one notification."""

    notification: str
    tenant: str
    user: str
    workflow: str | None
    version: int | None
    event_id: str | None
    event_type: str | None
    accepted_at: str | None
    state: Progress
    channels: list[ChannelState]
    entries: list[StatusEntry]
    decisions: list[DecisionEntry]
    deliveries: list[LedgerEntry]
    holds: list[HoldEntry]


def assemble(notification: str, tenant: str, kept: Kept) -> Timeline | None:
    """The story; None when nothing is kept of it."""
    anything = [*kept.statuses, *kept.decisions, *kept.deliveries, *kept.holds]
    if not anything:
        return None
    facts = _facts(kept)
    accepted_at = facts.get("accepted_at")
    since = parse_rfc3339(accepted_at) if accepted_at else _first(kept.statuses)
    channels = channel_states(kept.statuses)
    return Timeline(
        notification=notification,
        tenant=tenant,
        user=anything[0]["user"],
        workflow=facts.get("workflow"),
        version=facts.get("version"),
        event_id=facts.get("event_id"),
        event_type=facts.get("event_type"),
        accepted_at=accepted_at,
        state=progress(channels),
        channels=channels,
        entries=[_entry(row, since) for row in sorted(kept.statuses, key=_when)],
        decisions=[_decided(row) for row in sorted(kept.decisions, key=_when)],
        deliveries=[_ledger(row) for row in kept.deliveries],
        holds=[_waiting(row) for row in kept.holds],
    )


def _facts(kept: Kept) -> dict[str, Any]:
    """What statuses and decisions say of the notification itself; a decision may be there before its status."""
    facts: dict[str, Any] = {}
    for told in (*kept.decisions, *(row["data"] for row in kept.statuses)):
        facts |= {name: told[name] for name in FACTS if told.get(name) is not None}
    return facts


def _first(rows: Sequence[Row]) -> int:
    return min((from_datetime(row["at"]) for row in rows), default=0)


def _when(row: Row) -> tuple[datetime, int, int]:
    place = row.get("data", row)
    return row["at"], place.get("generation", 0), place.get("pass", 0)


def _entry(row: Row, since: int) -> StatusEntry:
    data, at = row["data"], from_datetime(row["at"])
    area, _, state = str(row["type"]).removeprefix("carillon.").partition(".")
    return StatusEntry(
        at=rfc3339(at),
        type=area,
        state=state,
        generation=data.get("generation", 0),
        pass_=data.get("pass", 0),
        ms_since_accept=at - since,
        detail={name: value for name, value in data.items() if name not in TOLD and value is not None},
        channel=data.get("channel"),
        delivery=data.get("delivery") or (row["subject"] if area == "delivery" else None),
        reason=data.get("reason"),
    )


def _decided(row: Row) -> DecisionEntry:
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
        rules=rule_entries(row["items"]),
        items=[_without_address(item) for item in row["items"]],
    )


def _without_address(item: Row) -> dict[str, Any]:
    """An item for operators: who needs to know where it went looks into the profile."""
    shown = {name: value for name, value in item.items() if name not in ("address", "type")}
    times = {name: rfc3339(shown[name]) for name in ("due", "valid_until") if shown.get(name) is not None}
    return {"outcome": item["type"], **shown, **times}


def _ledger(row: Row) -> LedgerEntry:
    result = row.get("result") or row.get("outcome") or {}
    due = result.get("due")
    return LedgerEntry(
        delivery=row["_id"],
        state=row["state"],
        generation=row["generation"],
        pass_=row["pass"],
        channel=row.get("channel"),
        attempts=row.get("attempts"),
        reason=result.get("reason"),
        code=result.get("code"),
        due=None if due is None else rfc3339(due),
    )


def _waiting(row: Row) -> HoldEntry:
    return HoldEntry(
        hold=row["_id"], cause=row["cause"], due=rfc3339(from_datetime(row["due"])), channel=row.get("channel")
    )
