"""The audit log: who did what. No address and no contents are in it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from shared.model import ids

CLI: Final = "cli"
"""The actor of what was done on the command line, with the rights of whoever has the settings."""


class AuditAction(StrEnum):
    """What was done. A newer version may write others."""

    DEAD_LETTER_REDRIVEN = "dead_letter_redriven"
    DEAD_LETTER_EDITED = "dead_letter_edited"
    """Its data were replaced before it was sent again."""
    DEAD_LETTER_DISCARDED = "dead_letter_discarded"
    REDRIVE_STARTED = "redrive_started"
    """Of all that a filter finds."""
    REDRIVE_CANCELLED = "redrive_cancelled"
    TENANT_CHANGED = "tenant_changed"
    TENANT_STOPPED = "tenant_stopped"
    STOPS_RELEASED = "stops_released"
    STOPPED_CANCELLED = "stopped_cancelled"
    SUPPRESSIONS_LIFTED = "suppressions_lifted"
    """Many entries of the suppression list, by reason."""


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One deed. `at` in milliseconds since the epoch."""

    id: str
    tenant: str
    at: int
    actor: str
    """The id of a key, or `cli`."""
    action: AuditAction
    subject: str
    """What it was done to."""
    details: dict[str, str | int | bool | None] = {}


def deed_id(action: AuditAction, subject: str, *place: str | int) -> str:
    """Of what may be written again after a crash: the same deed is one entry."""
    return ids.derive("audit", action, subject, *place)
