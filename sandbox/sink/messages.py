"""What reached the sink, in memory, bounded."""

from __future__ import annotations

from collections import deque
from email import message_from_bytes, policy
from enum import StrEnum
from typing import Any

import msgspec


class MessageKind(StrEnum):
    """How a message was received."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    SMS = "sms"
    WHATSAPP = "whatsapp"
    TELEGRAM = "telegram"
    PUSH = "push"
    CHAT = "chat"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message that was accepted. `n` counts from 1 and is never used again."""

    n: int = 0
    kind: MessageKind
    to: list[str]
    """Addresses of the envelope, the hook's name, or whom a provider is to reach."""
    at_ms: int
    headers: list[tuple[str, str]]
    """In order, repeats included; names of webhook headers in lower case."""
    envelope: dict[str, Any]
    """E-mail: mail_from, rcpt_tos, peer. Webhook: method, path, peer. A provider's: its name, and what it was told."""
    body: str
    """As received, decoded as UTF-8, what is not UTF-8 replaced."""
    subject: str | None = None
    text: str | None = None
    html: str | None = None


class Messages:
    """The newest `most` messages."""

    def __init__(self, most: int) -> None:
        self._kept: deque[Message] = deque(maxlen=most)
        self._last = 0

    def add(self, message: Message) -> Message:
        """Keep it under the next number, and return it with that; the oldest goes when it is full."""
        self._last += 1
        kept = msgspec.structs.replace(message, n=self._last)
        self._kept.append(kept)
        return kept

    def find(self, kind: MessageKind | None = None, to: str | None = None, since: int = 0) -> list[Message]:
        """Those with a number above `since`, oldest first."""
        return [
            message
            for message in self._kept
            if message.n > since and (kind is None or message.kind is kind) and (to is None or to in message.to)
        ]

    def clear(self) -> None:
        """Forget all; numbers go on."""
        self._kept.clear()

    def counts(self) -> dict[str, int]:
        """`last`: the newest number; `kept`: how many are still here."""
        return {"last": self._last, "kept": len(self._kept)}


def parse_email(raw: bytes, *, mail_from: str, rcpt_tos: list[str], peer: str, at_ms: int) -> Message:
    """An e-mail as a message; a part that cannot be decoded is left None, its bytes are in `body`."""
    mail = message_from_bytes(raw, policy=policy.default)
    subject = mail.get("subject")
    return Message(
        kind=MessageKind.EMAIL,
        to=rcpt_tos,
        at_ms=at_ms,
        headers=[(name, str(value)) for name, value in mail.items()],
        envelope={"mail_from": mail_from, "rcpt_tos": rcpt_tos, "peer": peer},
        body=raw.decode(errors="replace"),
        subject=None if subject is None else str(subject),
        text=_part(mail, "plain"),
        html=_part(mail, "html"),
    )


def _part(mail: Any, kind: str) -> str | None:
    part = mail.get_body(preferencelist=(kind,))
    try:
        return None if part is None else str(part.get_content())
    except (LookupError, UnicodeError):
        return None
