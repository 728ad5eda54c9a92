"""A message of `carillon.v1` as a dialect reads it that says the same in other words."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.model.timestamps import rfc3339


class SessionItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What dialects tell of an item. See InboxItem for the fields; `data` stay as they stand."""

    id: str
    workflow: str
    created_at: int
    title: str = ""
    body: str = ""
    type: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")
    priority: str | None = None
    read_at: int | None = None
    archived_at: int | None = None
    deleted_at: int | None = None
    snoozed_until: int | None = None

    @property
    def kind(self) -> str:
        """Its type; without one the last part of its workflow's key."""
        return self.type or self.workflow.rpartition(".")[2]

    @property
    def message(self) -> str:
        """All its text, as one."""
        return "\n".join(part for part in (self.title, self.body) if part)

    @property
    def timestamp(self) -> str:
        """When it was created (RFC 3339)."""
        return rfc3339(self.created_at)

    @property
    def removed(self) -> bool:
        """It is in no list any more; one that is snoozed comes back."""
        return any(at is not None for at in (self.archived_at, self.deleted_at, self.snoozed_until))


class SessionMessage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Any of them; what its type does not have is missing."""

    type: str
    item: SessionItem | None = None
    items: tuple[SessionItem, ...] = ()
    change: str = ""
    unread: int = 0
    cursor: str = ""
    user: str = ""
    kind: str = msgspec.field(name="for", default="")
    updated: int | None = None
    ref: str | None = None
    code: str = ""
    detail: str = ""
    reason: str = ""
    seconds: int = 0
    after_ms: int = 0


_decoder: Final = msgspec.json.Decoder(SessionMessage)


def read(message: bytes) -> SessionMessage:
    """Of a message of our own; it is always readable."""
    return _decoder.decode(message)
