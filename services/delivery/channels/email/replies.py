"""What an SMTP server's refusal means: whose fault it is, by phase, code and enhanced code (RFC 5321, RFC 3463).

What our account or the server itself is refused for holds for every message: the provider is unavailable, no attempt
is burned. The rest is the message's or the recipient's: tried again after 4xx, never after 5xx. The tables are
explained in docs/decisions/0010-mail.md.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from services.delivery.core.attempts import AttemptFault, Failed, Outcome, ProviderUnavailable, Rejected
from shared.model.reasons import Reason

GOODBYE: Final = 421


class SmtpPhase(StrEnum):
    """How far the dialogue of a message had come."""

    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"
    """The message is written: without an answer it may have been taken."""


_ACCOUNT_CODES: Final = frozenset({454, 530, 534, 535, 538})
"""They want authentication or encryption, or refuse ours; 454 is also how some say that we send too much."""
_SUBJECTS: Final = {1: AttemptFault.ADDRESS, 2: AttemptFault.ADDRESS, 6: AttemptFault.MESSAGE}
_DETAILS: Final = {
    (1, 7): AttemptFault.ACCOUNT,  # the sender's address
    (1, 8): AttemptFault.ACCOUNT,
    (3, 1): AttemptFault.PROVIDER,  # its disk is full
    (3, 2): AttemptFault.PROVIDER,  # it accepts nothing at the moment
    (3, 4): AttemptFault.MESSAGE,  # too big
    (3, 5): AttemptFault.PROVIDER,
    (4, 1): AttemptFault.ADDRESS,  # the recipient's host
    (4, 4): AttemptFault.ADDRESS,
    (4, 5): AttemptFault.ACCOUNT,  # congestion, or the day's quota
    (5, 3): AttemptFault.ACCOUNT,  # too many recipients: of one message there is one
}
_POLICY: Final = frozenset({8, 9, 10, 11, 12, 13, 14, *range(20, 30), 54, 57, 60, *range(500, 800)})
"""Permanent X.7.n that are about us: credentials, SPF, DKIM, reverse DNS, floods, relaying, blocked tenants."""
_DEAD: Final = frozenset({(1, 1), (1, 2), (1, 3), (1, 6), (1, 10)})
"""No such mailbox, no such domain, no address, moved away, or a domain that takes no mail (RFC 7505); said for good."""
_ENHANCED: Final = re.compile(r"[245]\.(\d{1,3})\.(\d{1,3})\b")
_OURS: Final = re.compile(
    r"(?:helo|ehlo) command rejected|sender address rejected|client host (?:rejected|\[)|sendasdenied|storedrv\.submission",
    re.IGNORECASE,
)
"""How we greet, who writes, from where. Postfix keeps what it has against them back until the first recipient; Exchange,
what it has against the sender, until the message."""
_NO_ENTRY: Final = re.compile(r"\brelay(?! recipient table)|blocked using|block ?list", re.IGNORECASE)
_LIMITS: Final = re.compile(
    r"quota|throttl|(?:rate|sending|daily|hourly) limit|too many (?:messages|e-?mails)|suspended|\bpaused\b"
    r"|credits exceeded|sender identity|unusual sending|not verified|unverified",
    re.IGNORECASE,
)
_QUOTED: Final = re.compile(r"recipient address rejected|recipient'?s'? block", re.IGNORECASE)
"""What follows may be another server's words; or the recipient has a list of his own."""
_MAILBOX: Final = re.compile(r"mailbox|recipient|\bover ?quota\b", re.IGNORECASE)


def refusal(phase: SmtpPhase, code: int, text: str) -> Outcome:
    """The outcome of a reply that is neither success nor a request to go on."""
    found = _ENHANCED.match(text)
    enhanced = (int(found[1]), int(found[2])) if found else None
    fault = whose_fault(phase, code, enhanced, text)
    if fault in (AttemptFault.ACCOUNT, AttemptFault.PROVIDER):
        return ProviderUnavailable(code=said(code, text), fault=fault)
    if 500 <= code < 600:
        dead = fault is AttemptFault.ADDRESS and phase is not SmtpPhase.MAIL and enhanced in _DEAD
        reason = Reason.DEAD_ADDRESS if dead else Reason.REJECTED
        return Rejected(reason=reason, code=said(code, text), fault=fault)
    return Failed(code=said(code, text), fault=fault)


def said(code: int, text: str) -> str:
    """The codes of a reply, as `550 5.1.1`: its words may hold an address."""
    found = _ENHANCED.match(text)
    return f"{code} {found[0]}" if found else str(code)


def whose_fault(phase: SmtpPhase, code: int, enhanced: tuple[int, int] | None, text: str) -> AttemptFault:
    """The table. `enhanced` is subject and detail of the enhanced code, if there is one."""
    subject = enhanced[0] if enhanced else None
    if code in _ACCOUNT_CODES:
        return AttemptFault.ACCOUNT
    if code == GOODBYE and subject != 7:
        return AttemptFault.CONNECTION
    if phase is SmtpPhase.MAIL:  # it says who writes, the same for every message, and the size of this one
        return AttemptFault.MESSAGE if code == 552 or enhanced == (3, 4) else AttemptFault.ACCOUNT
    if _OURS.search(text) and not _QUOTED.search(text):
        return AttemptFault.ACCOUNT
    if enhanced is not None and subject == 7:
        return _policy_fault(phase, enhanced[1], text, permanent=code >= 500)
    if enhanced is not None and (known := _DETAILS.get(enhanced) or _SUBJECTS.get(enhanced[0])) is not None:
        return known
    return _by_words(phase, text)


def _policy_fault(phase: SmtpPhase, detail: int, text: str, *, permanent: bool) -> AttemptFault:
    """X.7.n: temporary ones are limits of ours, but X.7.1 of a recipient is its greylisting (RFC 6647)."""
    if detail in _POLICY or not (permanent or (phase is SmtpPhase.RCPT and detail == 1)):
        return AttemptFault.ACCOUNT
    return _by_words(phase, text)


def _by_words(phase: SmtpPhase, text: str) -> AttemptFault:
    """Codes that many use for everything: what is left are the words."""
    if phase is SmtpPhase.RCPT:
        return AttemptFault.ACCOUNT if _NO_ENTRY.search(text) and not _QUOTED.search(text) else AttemptFault.ADDRESS
    return AttemptFault.ACCOUNT if _LIMITS.search(text) and not _MAILBOX.search(text) else AttemptFault.MESSAGE
