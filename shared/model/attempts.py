"""Attempts: what is kept of each try of a delivery at a provider. Codes only: an answer's text may hold an address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

MAX_ATTEMPT_LOG: Final = 20
"""Attempts that are kept of a delivery: the newest."""
MAX_CODE: Final = 200


class AttemptFault(StrEnum):
    """Whose fault it is that an attempt came to nothing."""

    MESSAGE = "message"
    ADDRESS = "address"
    """The recipient's: the mailbox, or the endpoint."""
    ACCOUNT = "account"
    """What the provider thinks of us: credentials, quota, reputation."""
    PROVIDER = "provider"
    CONNECTION = "connection"
    """This one connection's; another may work at once."""
    US = "us"


class AttemptOutcome(StrEnum):
    """What an attempt came to."""

    SENT = "sent"
    """The provider took it."""
    REJECTED = "rejected"
    """Never, it says."""
    FAILED = "failed"
    """Another attempt may succeed."""
    UNCONFIRMED = "unconfirmed"
    """No answer came after it may have been taken."""
    UNAVAILABLE = "unavailable"
    """It answers nobody, or not our account; it took nothing, and no attempt was used up."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One try at one provider's account, also where another one took the message in the end."""

    account: str
    outcome: AttemptOutcome
    at: int
    """When it began; milliseconds since the epoch."""
    latency_ms: int
    fault: AttemptFault | None = None
    code: str | None = None
    """The provider's own; of what it took its id of the message, where it has one."""


def newest(log: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """As many as are kept."""
    return tuple(log[-MAX_ATTEMPT_LOG:])


def attempts_of(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The newest attempts of a ledger's row, in order, as it has them."""
    return [*row.get("attempt_log", ()), *row.get("last_attempts", ())][-MAX_ATTEMPT_LOG:]
