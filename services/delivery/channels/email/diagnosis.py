"""Why there is no connection to the mail server, and which setting may be wrong (pure)."""

from __future__ import annotations

import ssl
from typing import Final

import msgspec
from aiosmtplib.errors import (
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPException,
    SMTPHeloError,
    SMTPResponseException,
    SMTPTimeoutError,
)

from services.delivery.channels.email.replies import GOODBYE, said
from services.delivery.core.attempts import AttemptFault

NO_GREETING: Final = (
    "no greeting that is SMTP: a server that speaks TLS from the first byte on wants CARILLON_SMTP_TLS=implicit"
)
NO_TLS: Final = (
    "TLS failed: a server that begins in the clear wants CARILLON_SMTP_TLS=starttls or none; "
    "one with a certificate of your own authority, CARILLON_SMTP_CA_FILE"
)
NO_STARTTLS: Final = "the server offers no STARTTLS on this port: CARILLON_SMTP_TLS may have to be implicit or none"
NO_AUTH: Final = "the server offers no AUTH that we know; many do only after TLS: CARILLON_SMTP_TLS=starttls"
NOT_OURS: Final = "the server refuses CARILLON_SMTP_USERNAME and CARILLON_SMTP_PASSWORD"
CROWDED: Final = "the server may want fewer connections: CARILLON_SMTP_CONNECTIONS is per lane and process"
NOT_GREETED: Final = (
    "the server refuses our EHLO: it may want a whole name, or another one, in CARILLON_SMTP_EHLO_NAME; "
    "or fewer connections, CARILLON_SMTP_CONNECTIONS per lane and process"
)
UNREACHABLE: Final = "nobody answers at CARILLON_SMTP_HOST and CARILLON_SMTP_PORT"


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """What to say of a connection that did not come about. `code` is what statuses show."""

    code: str
    hint: str | None = None
    fault: AttemptFault = AttemptFault.PROVIDER
    crowded: bool = False
    """It was refused for now: one more may be one too many."""


def diagnose(error: SMTPException | OSError) -> Diagnosis:
    """From what the library raised while it was connecting."""
    if isinstance(error, SMTPResponseException):
        return _of_reply(error)
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return Diagnosis(code="tls_failed", hint=NO_TLS)
    if isinstance(error, SMTPConnectError) and isinstance(error.__cause__, SMTPTimeoutError):
        return Diagnosis(code="no_greeting", hint=NO_GREETING)
    if isinstance(error, SMTPException) and not isinstance(error, OSError):  # what the server does not offer
        if "STARTTLS" in error.message and "AUTH" not in error.message:
            return Diagnosis(code="no_starttls", hint=NO_STARTTLS)
        return Diagnosis(code="no_auth", hint=NO_AUTH, fault=AttemptFault.ACCOUNT)
    return Diagnosis(code="unreachable", hint=UNREACHABLE)


def _of_reply(error: SMTPResponseException) -> Diagnosis:
    if isinstance(error, SMTPAuthenticationError):
        return Diagnosis(code=said(error.code, error.message), hint=NOT_OURS, fault=AttemptFault.ACCOUNT)
    if error.code < 0:
        return Diagnosis(code="no_greeting", hint=NO_GREETING)
    crowded = error.code == GOODBYE
    hint = NOT_GREETED if isinstance(error, SMTPHeloError) else CROWDED if crowded else None
    return Diagnosis(code=said(error.code, error.message), hint=hint, crowded=crowded)
