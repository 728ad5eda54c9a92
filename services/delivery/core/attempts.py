"""What becomes of a delivery after an attempt: sent, tried again, parked or dead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zlib import crc32

import msgspec

from shared.model.attempts import AttemptFault, AttemptOutcome
from shared.model.deliveries import DeliveryResult, DeliveryState
from shared.model.reasons import Reason

__all__ = [
    "AttemptFault",
    "Failed",
    "LeaseTooShort",
    "Outcome",
    "ProviderUnavailable",
    "Rejected",
    "Sent",
    "decide",
    "outcome_word",
]
JITTER: Final = 0.2
"""A retry comes up to this share earlier or later than the schedule says, but never before Retry-After."""
DEFAULT_WAIT_MS: Final = 60_000
"""Before a retry that somebody asked for where the channel's schedule has none."""
LONGEST_RETRY_AFTER_MS: Final = 7_200_000
"""A `Retry-After` of a day, from a page of a load balancer that restarts, would be the last that is heard of a message
that lives for a day."""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """The provider took it. `receipt` is what it answered, in short."""

    receipt: str | None = None


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """The provider says never: no retry."""

    reason: Reason = Reason.REJECTED
    code: str | None = None
    fault: AttemptFault = AttemptFault.ADDRESS


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """This attempt failed, another may succeed; `retry_after_ms` is the provider's wish."""

    code: str | None = None
    retry_after_ms: int | None = None
    cool_down: bool = False
    """The endpoint did not answer at all: others for it are parked for a while."""
    fault: AttemptFault = AttemptFault.ADDRESS
    unconfirmed: bool = False
    """No answer came after the provider may have taken the message: sent or not, nobody knows."""


class ProviderUnavailable(msgspec.Struct, frozen=True, kw_only=True):
    """The provider does not answer anybody, or refuses our account: no message's fault, no attempt is burned."""

    code: str | None = None
    fault: AttemptFault = AttemptFault.PROVIDER
    retry_after_ms: int | None = None
    """How long it wants to be left alone, if it said so."""


class LeaseTooShort(msgspec.Struct, frozen=True):
    """Nothing was sent: the sending would have begun when the lease, or what was checked, is as good as over.

    Claim again, and check again.
    """


Outcome = Sent | Rejected | Failed | ProviderUnavailable


def outcome_word(outcome: Outcome) -> AttemptOutcome:
    """What the log of attempts has for it."""
    match outcome:
        case Sent():
            return AttemptOutcome.SENT
        case Rejected():
            return AttemptOutcome.REJECTED
        case Failed(unconfirmed=True):
            return AttemptOutcome.UNCONFIRMED
        case Failed():
            return AttemptOutcome.FAILED
        case _:
            return AttemptOutcome.UNAVAILABLE


def decide(
    outcome: Outcome,
    *,
    delivery: str,
    attempts: int,
    now: int,
    schedule: Sequence[int],
    expires_at: int,
    max_retries: int | None = None,
    fallback_at: int | None = None,
    at_most_once: bool = False,
) -> DeliveryResult:
    """The result after an outcome. `attempts` counts this one; `schedule` is ms before each next attempt.

    `max_retries`: so many follow the first one, the last wait again where the schedule is shorter; None: all of it.

    `fallback_at`: a provider that is down then has been down too long, and another channel is taken.
    `at_most_once`: what the provider may have taken is not sent again.
    """
    if isinstance(outcome, Sent):
        return DeliveryResult(state=DeliveryState.SENT, at=now, attempts=attempts, code=outcome.receipt)
    if isinstance(outcome, Rejected):
        return DeliveryResult(
            state=DeliveryState.DEAD,
            at=now,
            attempts=attempts,
            reason=outcome.reason,
            code=outcome.code,
            format=outcome.reason.since,
        )
    if isinstance(outcome, ProviderUnavailable):
        return DeliveryResult(
            state=DeliveryState.PARKED,
            at=now,
            attempts=attempts - 1,
            reason=Reason.PROVIDER_DOWN,
            code=outcome.code,
            due=expires_at if fallback_at is None else min(fallback_at, expires_at),
        )
    if outcome.unconfirmed and at_most_once:
        return DeliveryResult(
            state=DeliveryState.UNCONFIRMED, at=now, attempts=attempts, reason=Reason.UNCONFIRMED, code=outcome.code
        )
    if attempts > (len(schedule) if max_retries is None else max_retries):
        return DeliveryResult(
            state=DeliveryState.DEAD, at=now, attempts=attempts, reason=Reason.ATTEMPTS_EXHAUSTED, code=outcome.code
        )
    base = schedule[min(attempts, len(schedule)) - 1] if schedule else DEFAULT_WAIT_MS
    wait = round(base * (1 + JITTER * _share(delivery, attempts)))
    asked = min(outcome.retry_after_ms or 0, LONGEST_RETRY_AFTER_MS)
    return DeliveryResult(
        state=DeliveryState.RETRYING,
        at=now,
        attempts=attempts,
        reason=Reason.TEMPORARY_FAILURE,
        code=outcome.code,
        due=min(now + max(wait, asked), expires_at),
    )


def _share(delivery: str, attempts: int) -> float:
    """A number in [-1, 1] that the same attempt always gets, so that a replay decides the same."""
    return crc32(f"{delivery}:{attempts}".encode()) / 0xFFFFFFFF * 2 - 1
