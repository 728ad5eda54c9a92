"""How the sink is told to fail: what is to happen to the next message of a kind.

`PUT /faults {"email": {"mode": "tempfail", "times": 2}, "webhook": {"mode": "status", "status": 503}}`
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class EmailMode(StrEnum):
    """What an SMTP client meets."""

    DOWN = "down"
    """Its connection is dropped at once."""
    REJECT = "reject"
    """RCPT is refused for good."""
    TEMPFAIL = "tempfail"
    """RCPT is refused for now."""
    SLOW = "slow"
    """DATA is answered, and the mail kept, after `seconds`."""


class WebhookMode(StrEnum):
    """What an HTTP client meets."""

    DOWN = "down"
    """Its connection is dropped without an answer."""
    STATUS = "status"
    """`status`, with `Retry-After` if given; nothing is kept."""
    SLOW = "slow"
    """The usual answer after `seconds`."""


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What all faults have."""

    times: int | None = None
    """How often; None: until the plan changes."""
    only: str | None = None
    """One recipient address or hook name; others are served. Not for e-mail's `down`, which knows no address yet."""
    seconds: float = 5.0
    hits: int = 0
    """How often it struck so far."""


class EmailFault(Fault, kw_only=True, forbid_unknown_fields=True):
    """A fault of the SMTP server."""

    mode: EmailMode
    code: int | None = None
    """The SMTP code instead of 550 (reject) or 451 (tempfail)."""

    def answer(self) -> str:
        """The SMTP answer to RCPT."""
        if self.mode is EmailMode.REJECT:
            return f"{self.code or 550} 5.1.1 no such mailbox, says the sink"
        return f"{self.code or 451} 4.3.0 try again later, says the sink"


class WebhookFault(Fault, kw_only=True, forbid_unknown_fields=True):
    """A fault of the HTTP server."""

    mode: WebhookMode
    status: int = 503
    retry_after: int | None = None


class Plan(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of `PUT /faults`; what is left out works."""

    email: EmailFault | None = None
    webhook: WebhookFault | None = None


class SinkFaults:
    """The plan in force."""

    def __init__(self) -> None:
        self.plan = Plan()

    def email(self, modes: set[EmailMode], to: str | None = None) -> EmailFault | None:
        """The fault that strikes now, counted; None if the mail is to be served."""
        fault = self.plan.email
        return fault if fault is not None and fault.mode in modes and _strikes(fault, to) else None

    def webhook(self, name: str) -> WebhookFault | None:
        """The fault that strikes now, counted; None if the call is to be served."""
        fault = self.plan.webhook
        return fault if fault is not None and _strikes(fault, name) else None

    def clear(self) -> None:
        """Everything works again."""
        self.plan = Plan()


def _strikes(fault: Fault, to: str | None) -> bool:
    if fault.only is not None and fault.only != to:
        return False
    if fault.times is not None and fault.hits >= fault.times:
        return False
    fault.hits += 1
    return True
