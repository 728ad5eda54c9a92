"""The notification: one event for one user by one workflow, the unit of deciding."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from shared.model import ids
from shared.model.formats import OLDEST
from shared.model.local_times import LocalTime


class Priority(StrEnum):
    """high and urgent travel in the express lane."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"

    @property
    def is_express(self) -> bool:
        """Whether the express lane carries it."""
        return self in (Priority.HIGH, Priority.URGENT)

    @property
    def rank(self) -> int:
        """Its place among all: a higher one goes first."""
        return tuple(Priority).index(self)


class Contact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An inline person: addresses instead of an account."""

    addresses: dict[str, str] = {}
    """By the name of their kind, as in a profile."""
    name: str | None = None
    locale: str | None = None
    zone: str | None = None


MAX_RETRIES: Final = 30


class Notification(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What was accepted. Times are milliseconds since the Unix epoch; `data` stays raw JSON."""

    id: str
    tenant: str
    user: str
    workflow: str
    version: int
    """The workflow version it was accepted under."""
    event_id: str
    event_type: str
    data: msgspec.Raw
    accepted_at: int
    expires_at: int
    priority: Priority = Priority.NORMAL
    source: str | None = None
    actor: str | None = None
    deliver_at: int | None = None
    cancellation_key: str | None = None
    cancel_count: int = 0
    """The key's counter when this was accepted; a cancel raises it."""
    contact: Contact | None = None
    traceparent: str | None = None
    life: int = 0
    """Whose it is, of those who have had the user's id; known when it is decided first."""
    deliver_local: LocalTime | None = None
    """Not before this time where the recipient is."""
    collapse_key: str | None = None
    """What it is about: a newer one of the same user and workflow replaces it while it is held or unread."""
    event_time: int | None = None
    """When the event happened, as its producer says; which of two is newer. None: when it was accepted."""
    topic: str | None = None
    """The topic that its recipient is subscribed to, and got it for."""
    expires_for_good: bool = False
    """Its producer said when it expires: what a step waits does not make that later."""
    test: bool = False
    """By a test key: everything runs, nothing leaves but where the tenant's staging lets it."""
    max_retries: int | None = None
    """So many attempts at the most follow one that failed; None: as many as its workflow or its channel says."""
    subject: str | None = None
    """What its event is about, in its producer's context (CloudEvents `subject`), as `complaint/123`."""
    supersedes: str | None = None
    """The earlier event whose notification, for the same user by the same workflow, this one takes the place of."""

    @property
    def superseded(self) -> str | None:
        """The notification that gives way to this one."""
        return None if self.supersedes is None else ids.notification_id(self.supersedes, self.workflow, self.user)

    @property
    def format(self) -> int:
        """The smallest that reads it: whoever does not know these fields would send what must not be sent."""
        uses_more = self.collapse_key is not None or self.topic is not None or self.deliver_local is not None
        uses_more = uses_more or self.supersedes is not None
        return 2 if uses_more or self.test or self.max_retries is not None else OLDEST

    @property
    def happened_at(self) -> int:
        """Which of two about the same is newer."""
        return self.accepted_at if self.event_time is None else self.event_time

    def is_expired(self, now: int) -> bool:
        """Nothing is sent at or after `expires_at`."""
        return now >= self.expires_at
