"""How the sink is told to fail: what is to happen to the next message of a kind.

`PUT /faults {"email": {"mode": "tempfail", "times": 2}, "webhook": {"mode": "status", "status": 503}}`
`PUT /faults {"providers": {"twilio": {"mode": "status", "status": 400, "code": "21610", "only": "+4915112345678"}}}`
"""

from __future__ import annotations

import time
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


class HttpMode(StrEnum):
    """What an HTTP client meets."""

    DOWN = "down"
    """Its connection is dropped without an answer."""
    STATUS = "status"
    """`status`, with `Retry-After` if given; nothing is kept."""
    SLOW = "slow"
    """The usual answer after `seconds`."""
    HANG = "hang"
    """No answer; the connection stays open."""
    TRICKLE = "trickle"
    """200, then a byte a second, for ever."""
    GARBAGE = "garbage"
    """200, and a body that is no answer of anybody's."""
    HUGE = "huge"
    """200, and a body of a gigabyte."""


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What all faults have."""

    times: int | None = None
    """How often; None: until the plan changes."""
    only: str | None = None
    """One recipient address or hook name; others are served. Not for e-mail's `down`, which knows no address yet."""
    seconds: float = 5.0
    lasts: float | None = None
    """Seconds from when it was told; None: until the plan changes."""
    hits: int = 0
    """How often it struck so far."""


class EmailFault(Fault, kw_only=True, forbid_unknown_fields=True):
    """A fault of the SMTP server."""

    mode: EmailMode
    code: int | None = None
    """The SMTP code instead of 550 (reject) or 451 (tempfail)."""
    enhanced: str = "5.1.1"
    """The enhanced code of a reject: there is no such mailbox, if nothing else is said."""

    def answer(self) -> str:
        """The SMTP answer to RCPT."""
        if self.mode is EmailMode.REJECT:
            return f"{self.code or 550} {self.enhanced} not here, says the sink"
        return f"{self.code or 451} 4.3.0 try again later, says the sink"


class HttpFault(Fault, kw_only=True, forbid_unknown_fields=True):
    """A fault of the HTTP server: of the hooks, or of one provider's API."""

    mode: HttpMode
    status: int = 503
    code: str | None = None
    """Of a provider that has codes of its own: the one that it answers with."""
    retry_after: str | int | None = None
    """The header, whatever stands in it."""


class Plan(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of `PUT /faults`; what is left out works."""

    email: EmailFault | None = None
    webhook: HttpFault | None = None
    providers: dict[str, HttpFault] = {}
    """By provider."""


class SinkFaults:
    """The plan in force."""

    def __init__(self) -> None:
        self._told(Plan())

    def _told(self, plan: Plan) -> None:
        self.plan, self._since = plan, time.monotonic()

    def follow(self, plan: Plan) -> None:
        """From now on."""
        self._told(plan)

    def email(self, modes: set[EmailMode], to: str | None = None) -> EmailFault | None:
        """The fault that strikes now, counted; None if the mail is to be served."""
        fault = self.plan.email
        return fault if fault is not None and fault.mode in modes and self._strikes(fault, to) else None

    def webhook(self, name: str) -> HttpFault | None:
        """The fault that strikes now, counted; None if the call is to be served."""
        fault = self.plan.webhook
        return fault if fault is not None and self._strikes(fault, name) else None

    def provider(self, name: str, to: str | None) -> HttpFault | None:
        """The same for a message to a recipient of a provider; None: for all that it serves."""
        fault = self.plan.providers.get(name)
        return fault if fault is not None and self._strikes(fault, to) else None

    def clear(self) -> None:
        """Everything works again."""
        self._told(Plan())

    def _strikes(self, fault: Fault, to: str | None) -> bool:
        if fault.only is not None and fault.only != to:
            return False
        if fault.times is not None and fault.hits >= fault.times:
            return False
        if fault.lasts is not None and time.monotonic() - self._since >= fault.lasts:
            return False
        fault.hits += 1
        return True
