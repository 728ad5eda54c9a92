"""What the audit log says of redrives; derived ids, so that what is told again is one entry."""

from __future__ import annotations

from services.console.letters.core.jobs import RedriveJob
from services.console.letters.core.letter_row import DeadLetterRow
from shared.model.audit import AuditAction, AuditEntry, deed_id
from shared.model.timestamps import from_datetime


def of_letter(row: DeadLetterRow) -> list[AuditEntry]:
    """That somebody sent this letter again, and edited it; of a redrive of many the job tells."""
    redrive = row.get("redrive")
    if redrive is None or "job" in redrive:
        return []
    actions = [AuditAction.DEAD_LETTER_REDRIVEN]
    details: dict[str, str | int | bool | None] = {
        "delivery": row.get("delivery"),
        "notification": row.get("notification"),
        "channel": row["channel"],
        "code": row["code"],
        "generation": redrive["generation"],
        "forced": redrive["forced"],
    }
    if "after" in redrive:
        actions.insert(0, AuditAction.DEAD_LETTER_EDITED)
        details |= {"data_sha256_before": redrive.get("before"), "data_sha256_after": redrive["after"]}
    return [
        AuditEntry(
            id=deed_id(action, row["_id"], redrive["generation"]),
            tenant=row["tenant"],
            at=from_datetime(redrive["at"]),
            actor=redrive["by"],
            action=action,
            subject=row["_id"],
            details=details,
        )
        for action in actions
    ]


def of_discard(row: DeadLetterRow, by: str, at: int) -> AuditEntry:
    """That somebody discarded a letter; `at` in milliseconds since the epoch."""
    return AuditEntry(
        id=deed_id(AuditAction.DEAD_LETTER_DISCARDED, row["_id"]),
        tenant=row["tenant"],
        at=at,
        actor=by,
        action=AuditAction.DEAD_LETTER_DISCARDED,
        subject=row["_id"],
        details={"delivery": row.get("delivery"), "channel": row["channel"], "code": row["code"]},
    )


def of_job(job: RedriveJob, action: AuditAction = AuditAction.REDRIVE_STARTED, by: str | None = None) -> AuditEntry:
    """That somebody started a redrive of many, or cancelled it."""
    wanted = job.filter
    return AuditEntry(
        id=deed_id(action, job.id),
        tenant=job.tenant,
        at=job.started_at if job.ended_at is None else job.ended_at,
        actor=by or job.by,
        action=action,
        subject=job.id,
        details={
            "channel": wanted.channel,
            "code": wanted.code,
            "reason": wanted.reason,
            "workflow": wanted.workflow,
            "user": wanted.user,
            "since": wanted.since,
            "until": wanted.until,
            "wanted": job.wanted,
            "per_second": job.per_second,
            "forced": job.forced,
        },
    )
