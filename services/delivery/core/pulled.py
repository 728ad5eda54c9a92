"""What becomes of a delivery that waits for the producer's sender: from what was reported, or was not in time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from services.delivery.core.attempts import (
    Failed,
    Outcome,
    ProviderUnavailable,
    Rejected,
    Sent,
    decide,
    outcome_word,
)
from shared.model.attempts import Attempt, AttemptFault
from shared.model.deliveries import DeliveryResult, DeliveryState
from shared.model.pull import PulledDelivery, PullReport, ReportKind
from shared.model.reasons import Reason
from shared.model.staging import SendMode

LEASE_EXPIRED: Final = Failed(code="lease_expired", fault=AttemptFault.PROVIDER, unconfirmed=True)
NOT_TAKEN: Final = ProviderUnavailable(code="not_taken")
SENDERS: Final = "pull/senders"
"""What one that nobody takes waits for; another channel is taken instead."""


def outcome_of_report(report: PullReport) -> Outcome:
    """What a sender said of an attempt. Raises ValueError for a report that is not of one."""
    match report.kind:
        case ReportKind.SENT:
            return Sent(receipt=report.code)
        case ReportKind.FAILED:
            return Failed(code=report.code, retry_after_ms=report.retry_after_ms, fault=AttemptFault.PROVIDER)
        case ReportKind.REJECTED:
            return Rejected(code=report.code, fault=AttemptFault.MESSAGE)
        case ReportKind.STALE:
            raise ValueError("nobody got it")


def attempt_of(pulled: PulledDelivery, now: int) -> Outcome | None:
    """The outcome of the attempt that is over; None: there was none, or it is under way."""
    if pulled.report is not None:
        return None if pulled.report.kind is ReportKind.STALE else outcome_of_report(pulled.report)
    if pulled.lease_until is not None and now >= pulled.lease_until:
        return LEASE_EXPIRED
    return None


def settle(pulled: PulledDelivery, now: int, *, schedule: Sequence[int], at_most_once: bool) -> DeliveryResult | None:
    """The result of one that a worker looks at; None: it goes on waiting, or a sender still has it.

    `schedule` is ms before each next attempt. `at_most_once`: one whose sender never reported is not handed out again.
    """
    delivery, attempts = pulled.delivery, pulled.delivery.attempts
    outcome = attempt_of(pulled, now)
    if outcome is not None:
        at = now if pulled.report is None else pulled.report.at
    elif pulled.report is not None:
        return stale(pulled, pulled.report.at)
    elif pulled.lease_until is not None:
        return None
    elif not delivery.address:  # erased with its user
        return DeliveryResult(state=DeliveryState.SUPPRESSED, at=now, attempts=attempts, reason=Reason.USER_DELETED)
    elif delivery.notification.is_expired(now):
        return DeliveryResult(state=DeliveryState.EXPIRED, at=now, attempts=attempts, reason=Reason.EXPIRED)
    elif pulled.simulated:
        mode = SendMode.SIMULATED
        return DeliveryResult(state=DeliveryState.SENT, at=now, attempts=attempts + 1, code=mode, mode=mode)
    elif delivery.fallback_at is not None and now >= delivery.fallback_at:
        outcome, at = NOT_TAKEN, now
    else:
        return None
    result = decide(
        outcome,
        delivery=delivery.id,
        attempts=attempts + 1,
        now=at,
        schedule=schedule,
        expires_at=delivery.notification.expires_at,
        fallback_at=delivery.fallback_at,
        at_most_once=at_most_once,
        max_retries=pulled.max_retries,
    )
    if result.state is DeliveryState.PARKED:
        return msgspec.structs.replace(result, account=SENDERS)
    return msgspec.structs.replace(result, log=(_logged(pulled, outcome, at),))


def _logged(pulled: PulledDelivery, outcome: Outcome, at: int) -> Attempt:
    """From its take to the end of it, by whoever had it."""
    began = at if pulled.taken_at is None else pulled.taken_at
    code, fault = (outcome.receipt, None) if isinstance(outcome, Sent) else (outcome.code, outcome.fault)
    return Attempt(
        account=SENDERS,
        outcome=outcome_word(outcome),
        at=began,
        latency_ms=max(0, at - began),
        fault=fault,
        code=code,
    )


def stale(pulled: PulledDelivery, at: int) -> DeliveryResult:
    """What it was decided by has changed while it waited: it is decided again, no attempt is used up."""
    attempts = pulled.delivery.attempts
    return DeliveryResult(state=DeliveryState.STALE, at=at, attempts=attempts, reason=Reason.WAITED_TOO_LONG)
