"""The audit log as the API shows it."""

from __future__ import annotations

import msgspec

Detail = str | int | bool | None


class AuditShown(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what, to what; without contents."""

    id: str
    at: str
    actor: str
    """The id of a key, or `cli`."""
    action: str
    subject: str
    details: dict[str, Detail]


class AuditPage(msgspec.Struct, frozen=True, kw_only=True):
    """Deeds, the newest first, and the `cursor` of the next page; null when these are the last."""

    entries: list[AuditShown]
    cursor: str | None
