"""A letter as bytes, as an SMTP server takes it (RFC 5322, MIME)."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

import msgspec

from services.delivery.channels.email.headers import mailbox_field, text_field, token_field
from services.delivery.channels.email.letter import Letter

_ASCII: Final = SMTP.clone(cte_type="7bit")
"""Bodies that are not ASCII are encoded, so that no server has to offer 8BITMIME."""


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """A message in its envelope. `content` is ASCII, its lines end with CRLF."""

    sender: str
    recipient: str
    content: bytes


def mail_of(letter: Letter) -> Mail:
    """The same bytes for the same letter."""
    sender = letter.sender
    fields = [
        mailbox_field("From", sender.name, sender.address),
        mailbox_field("To", "", letter.recipient),
        text_field("Subject", letter.subject),
        *(token_field(name, value) for name, value in letter.fields),
    ]
    body = EmailMessage(policy=_ASCII)
    body.set_content(letter.text)
    if letter.html is not None:
        body.add_alternative(letter.html, subtype="html")
    return Mail(sender=sender.address, recipient=letter.recipient, content=b"".join(fields) + body.as_bytes())
