"""An e-mail before any provider has it: what it says, to whom, and its header fields."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from services.delivery.channels.email.mailboxes import Mailbox


class Field(NamedTuple):
    """A header field whose value is ASCII and stays in one piece."""

    name: str
    value: str


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one address. All of it can be written as UTF-8; no control character of data is in it."""

    sender: Mailbox
    recipient: str
    """ASCII, its domain in A-labels."""
    subject: str
    """One line."""
    text: str
    html: str | None = None
    fields: tuple[Field, ...]
    """Besides From, To, Subject and those of MIME."""
