"""What is asked of the multi-channel queue: one message, on one channel, to one address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

MESSAGE: Final = "message"
"""The template that shows the subject and the body of the request."""
_RESERVED: Final = ("channel", "entity_type", "entity_id")


class QueueChannel(StrEnum):
    """Where it goes."""

    EMAIL = "email"
    SMS = "sms"
    WHATSAPP = "whatsapp"


class QueuePriority(StrEnum):
    """How urgent it is."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


@dataclass(frozen=True, kw_only=True)
class NotificationRequest:
    """One message to a bare address: its `body`, or a template with its data.

    `entity_type`, `entity_id`: what it is about, and is found by. Words of enums may be given as strings.
    """

    entity_type: str
    entity_id: int | str
    channel: QueueChannel | str
    recipient: str
    subject: str | None = None
    body: str | None = None
    template_id: str | None = None
    template_data: Mapping[str, Any] | None = None
    priority: QueuePriority | str = QueuePriority.NORMAL
    max_retries: int = 3
    locale: str | None = None
    """The language of a template, as `de`."""
    deliver_at: datetime | None = None
    """Not before; aware."""

    def check(self) -> None:
        """Raises ValueError for what nothing could be sent of: which field, and what would be right."""
        if self.channel not in set(QueueChannel):
            raise ValueError(f"channel: {self.channel!r} is none; the channels are {', '.join(QueueChannel)}")
        if self.priority not in set(QueuePriority):
            raise ValueError(f"priority: {self.priority!r} is none; the priorities are {', '.join(QueuePriority)}")
        if not self.recipient.strip():
            raise ValueError("recipient: it is empty; give an e-mail address, or a phone number as +4915112345678")
        if self.max_retries < 0:
            raise ValueError("max_retries: it is negative; 0 means a single attempt")
        if not self.entity_type or "/" in self.entity_type or self.entity_id == "":
            raise ValueError("entity_type, entity_id: say what it is about, as 'complaint' and 123; no / in the type")
        if not self.body and not self.template_id:
            raise ValueError("body, template_id: neither is there; give a text, or the name of a template")
        if self.template_id and (self.body or self.subject):
            raise ValueError("template_id: a template has its own texts; leave subject and body out")
        if self.template_data and not self.template_id:
            raise ValueError("template_data: there is no template_id that it is for")
        if taken := sorted(set(_RESERVED) & set(self.template_data or {})):
            raise ValueError(f"template_data: {', '.join(taken)} comes from the request itself; name it otherwise")

    @property
    def about(self) -> str:
        """What it is about, as the platform keeps it: `complaint/123`."""
        return about(self.entity_type, self.entity_id)

    def person(self) -> dict[str, str]:
        """The recipient as the platform takes one that has no account."""
        kind = "email" if self.channel == QueueChannel.EMAIL else "phone"
        return {kind: self.recipient.strip()} | ({"locale": self.locale} if self.locale else {})

    def data(self) -> dict[str, Any]:
        """What its template sees."""
        own = {"subject": self.subject, "body": self.body} if not self.template_id else self.template_data or {}
        given = {name: value for name, value in own.items() if value is not None or self.template_id}
        return given | {"channel": str(self.channel), "entity_type": self.entity_type, "entity_id": self.entity_id}


def about(entity_type: str, entity_id: int | str) -> str:
    """`complaint/123`."""
    return f"{entity_type}/{entity_id}"


def entity_of(subject: str | None) -> tuple[str | None, int | str | None]:
    """Type and id of what it is about; digits are a number. None for what names no entity."""
    kind, slash, id_ = (subject or "").partition("/")
    if not slash:
        return None, None
    return kind, int(id_) if id_.isascii() and id_.isdecimal() else id_
