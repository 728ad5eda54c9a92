"""Whose fault a refusal is: by phase, code and enhanced code, as servers of the field answer."""

from __future__ import annotations

import ssl

import aiosmtplib.errors as smtp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.delivery.channels.email.diagnosis import (
    CROWDED,
    NO_AUTH,
    NO_GREETING,
    NO_STARTTLS,
    NO_TLS,
    NOT_GREETED,
    NOT_OURS,
    UNREACHABLE,
    Diagnosis,
    diagnose,
)
from services.delivery.channels.email.replies import SmtpPhase, refusal
from services.delivery.core.attempts import AttemptFault, Failed, Outcome, ProviderUnavailable, Rejected
from shared.model.reasons import Reason

MAIL, RCPT, DATA, BODY = SmtpPhase
ACCOUNT, PROVIDER, ADDRESS, MESSAGE, CONNECTION = (
    AttemptFault.ACCOUNT, AttemptFault.PROVIDER, AttemptFault.ADDRESS, AttemptFault.MESSAGE, AttemptFault.CONNECTION,
)  # fmt: skip


@pytest.mark.parametrize(
    ("phase", "reply", "fault"),
    [
        # authentication and encryption, at whatever moment they come up
        *((phase, "530 5.7.0 Must issue a STARTTLS command first", ACCOUNT) for phase in SmtpPhase),
        (MAIL, "530 5.5.1 Authentication Required", ACCOUNT),
        (RCPT, "535 5.7.8 Username and Password not accepted", ACCOUNT),
        (DATA, "534 5.7.9 Application-specific password required", ACCOUNT),
        (MAIL, "538 5.7.11 Encryption required", ACCOUNT),
        (BODY, "454 Throttling failure: Maximum sending rate exceeded.", ACCOUNT),
        # who writes: the same for every message
        (MAIL, "550 5.7.1 Sender not allowed", ACCOUNT),
        (MAIL, "550 Sender verify failed", ACCOUNT),
        (MAIL, "553 5.1.8 Sender domain does not exist", ACCOUNT),
        (MAIL, "451 4.3.0 try again", ACCOUNT),
        (MAIL, "452 4.3.1 Insufficient system storage", ACCOUNT),
        (RCPT, "553 5.1.8 Domain of sender address does not resolve", ACCOUNT),
        (RCPT, "501 5.1.7 Bad sender address syntax", ACCOUNT),
        # its size is the message's own
        (MAIL, "552 5.3.4 Message size exceeds fixed limit", MESSAGE),
        (MAIL, "552 Message size exceeds maximum", MESSAGE),
        (BODY, "552 5.3.4 Message too big", MESSAGE),
        # relaying
        (RCPT, "554 5.7.1 <ada@example.com>: Relay access denied", ACCOUNT),
        (RCPT, "550 5.7.1 Relaying denied", ACCOUNT),
        (RCPT, "550 relay not permitted", ACCOUNT),
        (RCPT, "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain", ACCOUNT),
        # what was held back until there was a recipient, or a message
        (RCPT, "504 5.5.2 <worker-7>: Helo command rejected: need fully-qualified hostname", ACCOUNT),
        (RCPT, "450 4.7.1 <worker-7>: Helo command rejected: Host not found", ACCOUNT),
        (RCPT, "550 5.7.1 <worker-7>: EHLO command rejected: go away", ACCOUNT),
        (RCPT, "553 5.7.1 <shop@example.com>: Sender address rejected: not owned by user carillon", ACCOUNT),
        (RCPT, "550 5.1.0 <shop@example.com>: Sender address rejected: User unknown in virtual mailbox table", ACCOUNT),
        (RCPT, "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", ACCOUNT),
        (RCPT, "554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied", ACCOUNT),
        (RCPT, "450 4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]", ACCOUNT),
        (
            RCPT,
            "550 5.7.1 messages from [192.0.2.1] weren't sent: part of their network is on our block list (S3150)",
            ACCOUNT,
        ),
        (BODY, "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", ACCOUNT),
        (BODY, "554 5.2.252 SendAsDenied; a@example.com not allowed to send as b@example.com", ACCOUNT),
        (
            BODY,
            "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message",
            ACCOUNT,
        ),
        (BODY, "554 Sending paused for this account. For more information, please check the inbox", ACCOUNT),
        (BODY, "550 5.4.6 Unusual sending activity detected. Please try after sometime", ACCOUNT),
        (BODY, "451 Authentication failed: Maximum credits exceeded", ACCOUNT),
        (BODY, "550 The from address does not match a verified Sender Identity. Mail cannot be sent", ACCOUNT),
        # of the recipient, in words that are also those of the above
        (
            RCPT,
            "550 5.1.1 <ada@example.com>: Recipient address rejected: User unknown in relay recipient table",
            ADDRESS,
        ),
        (RCPT, "550 <ada@example.com>: Recipient address rejected: User unknown in relay recipient table", ADDRESS),
        (RCPT, "550 5.7.1 you are on the recipient's block list", ADDRESS),
        (RCPT, "450 4.1.1 <a@b.c>: Recipient address rejected: mx said: Client host [192.0.2.1] blocked", ADDRESS),
        (BODY, "554 5.7.1 Message has a link that is on a block list", MESSAGE),
        # quotas and rates
        (RCPT, "550 5.4.5 Daily user sending quota exceeded", ACCOUNT),
        (BODY, "550 5.4.5 Daily sending quota exceeded", ACCOUNT),
        (BODY, "554 Sending quota exceeded for today", ACCOUNT),
        (BODY, "554 5.7.1 You have exceeded your daily quota", ACCOUNT),
        (BODY, "554 Message rejected: Email address is not verified", ACCOUNT),
        (RCPT, "450 4.7.28 Gmail has detected an unusual rate of mail", ACCOUNT),
        (RCPT, "452 4.5.3 Too many recipients", ACCOUNT),
        (BODY, "451 4.7.0 Temporary rate limit", ACCOUNT),
        (BODY, "450 4.7.1 Too much mail", ACCOUNT),
        (DATA, "421 4.7.0 Temporary System Problem. Try again later", ACCOUNT),
        (RCPT, "451 4.7.500 Server busy", ACCOUNT),
        # reputation
        (BODY, "550 5.7.26 Unauthenticated email is not accepted", ACCOUNT),
        (BODY, "550 5.7.25 The IP address has no PTR record", ACCOUNT),
        (RCPT, "550 5.7.708 Access denied, traffic not accepted from this IP", ACCOUNT),
        # the server
        (RCPT, "452 4.3.1 Insufficient system storage", PROVIDER),
        (RCPT, "432 4.3.2 Concurrent connections limit exceeded", PROVIDER),
        (BODY, "451 4.3.2 Please try again later", PROVIDER),
        # the mailbox
        (RCPT, "550 5.1.1 no such mailbox", ADDRESS),
        (RCPT, "550 User unknown", ADDRESS),
        (RCPT, "450 mailbox busy", ADDRESS),
        (RCPT, "552 5.2.2 Over quota", ADDRESS),
        (RCPT, "452 4.2.2 The email account that you tried to reach is over quota", ADDRESS),
        (RCPT, "550 mailbox quota exceeded", ADDRESS),
        (BODY, "554 5.2.2 mailbox full", ADDRESS),
        (RCPT, "450 4.7.1 Greylisted, try again in 300 seconds", ADDRESS),
        (RCPT, "550 5.7.1 This group takes mail of its members only", ADDRESS),
        (RCPT, "550 5.7.124 Sender not in allowed-senders list", ADDRESS),
        (RCPT, "451 4.4.1 Cannot reach the recipient's host", ADDRESS),
        (RCPT, "451 4.3.0 try again later, says the sink", ADDRESS),
        # the message
        (BODY, "554 5.7.1 Rejected as spam", MESSAGE),
        (BODY, "552 5.7.0 Blocked: executable attachment", MESSAGE),
        (BODY, "554 5.6.0 Invalid message content", MESSAGE),
        (BODY, "550 rejected", MESSAGE),
        (BODY, "554 mailbox over quota", MESSAGE),
        # goodbye
        *((phase, "421 4.3.0 try again later", CONNECTION) for phase in SmtpPhase),
        (RCPT, "421 Service not available, closing transmission channel", CONNECTION),
    ],
)
def test_whose_fault(phase: SmtpPhase, reply: str, fault: AttemptFault) -> None:
    code, _, text = reply.partition(" ")
    outcome = refusal(phase, int(code), text)
    assert outcome.fault is fault  # type: ignore[union-attr]  # a refusal is never Sent
    if fault in (ACCOUNT, PROVIDER):
        assert isinstance(outcome, ProviderUnavailable), "no attempt of a message is burned"
    else:
        assert isinstance(outcome, Failed if code[0] == "4" else Rejected)


@pytest.mark.parametrize(
    ("code", "text", "outcome"),
    [
        (450, "", Failed(code="450")),
        (550, "5.1.1 <ada@example.com>: unknown\n5.1.1 sorry", Rejected(reason=Reason.DEAD_ADDRESS, code="550 5.1.1")),
        (550, "ada@example.com is unknown", Rejected(code="550")),
        (535, "5.7.8 no", ProviderUnavailable(code="535 5.7.8", fault=ACCOUNT)),
    ],
)
def test_it_is_known_by_its_codes_and_says_no_address(code: int, text: str, outcome: Outcome) -> None:
    assert refusal(RCPT, code, text) == outcome


@pytest.mark.parametrize(
    ("phase", "reply", "dead"),
    [
        *[(RCPT, f"550 5.1.{detail} no", True) for detail in (1, 2, 3, 6, 10)],
        (BODY, "550 5.1.1 no such user", True),
        (MAIL, "550 5.1.1 no such sender", False),
        (RCPT, "550 no such user", False),
        (RCPT, "550 5.1.0 other", False),
        (RCPT, "550 5.2.1 receives too much", False),
        (RCPT, "552 5.2.2 full", False),
        (BODY, "554 5.7.1 spam", False),
    ],
)
def test_an_address_is_dead_only_where_the_enhanced_code_says_so(phase: SmtpPhase, reply: str, dead: bool) -> None:
    code, _, text = reply.partition(" ")
    outcome = refusal(phase, int(code), text)
    assert (isinstance(outcome, Rejected) and outcome.reason is Reason.DEAD_ADDRESS) == dead
    assert isinstance(refusal(phase, int(code) - 100, text.replace("5.", "4.", 1)), Failed | ProviderUnavailable)


@given(
    st.sampled_from(SmtpPhase),
    st.integers(400, 599),
    st.text(max_size=50) | st.from_regex(r"[245]\.\d{1,3}\.\d{1,3} .*"),
)
def test_every_reply_has_an_outcome(phase: SmtpPhase, code: int, text: str) -> None:
    outcome = refusal(phase, code, text)
    assert isinstance(outcome, Failed | Rejected | ProviderUnavailable)
    assert not (code < 500 and isinstance(outcome, Rejected)), "a 4xx is never the end"
    assert not (isinstance(outcome, Failed) and outcome.unconfirmed), "it was refused"


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "diagnosis"),
    [
        (smtp.SMTPConnectResponseError(554, "5.7.1 go away"), Diagnosis(code="554 5.7.1")),
        (smtp.SMTPConnectResponseError(421, "too many"), Diagnosis(code="421", hint=CROWDED, crowded=True)),
        (smtp.SMTPResponseException(-1, "Malformed"), Diagnosis(code="no_greeting", hint=NO_GREETING)),
        (smtp.SMTPHeloError(502, "what?"), Diagnosis(code="502", hint=NOT_GREETED)),
        (smtp.SMTPHeloError(421, "4.7.0 Try again later, closing connection. (EHLO)"),
         Diagnosis(code="421 4.7.0", hint=NOT_GREETED, crowded=True)),
        (smtp.SMTPAuthenticationError(535, "5.7.8 no"), Diagnosis(code="535 5.7.8", hint=NOT_OURS, fault=ACCOUNT)),
        (caused(smtp.SMTPConnectTimeoutError("slow"), smtp.SMTPReadTimeoutError("slow")), Diagnosis(code="no_greeting", hint=NO_GREETING)),
        (smtp.SMTPConnectTimeoutError("slow"), Diagnosis(code="unreachable", hint=UNREACHABLE)),
        (caused(smtp.SMTPConnectError("no"), ssl.SSLError("wrong version")), Diagnosis(code="tls_failed", hint=NO_TLS)),
        (ssl.SSLCertVerificationError("self-signed"), Diagnosis(code="tls_failed", hint=NO_TLS)),
        (smtp.SMTPException("SMTP STARTTLS extension not supported by server."), Diagnosis(code="no_starttls", hint=NO_STARTTLS)),
        (smtp.SMTPException("The SMTP AUTH extension is not supported by this server. Try connecting via TLS (or STARTTLS)."),
         Diagnosis(code="no_auth", hint=NO_AUTH, fault=ACCOUNT)),
        (ConnectionRefusedError(), Diagnosis(code="unreachable", hint=UNREACHABLE)),
        (TimeoutError(), Diagnosis(code="unreachable", hint=UNREACHABLE)),
        (smtp.SMTPServerDisconnected("gone"), Diagnosis(code="unreachable", hint=UNREACHABLE)),
    ],
)  # fmt: skip
def test_why_there_is_no_connection(error: Exception, diagnosis: Diagnosis) -> None:
    assert diagnose(error) == diagnosis  # type: ignore[arg-type]  # one of the library's, or an OSError
