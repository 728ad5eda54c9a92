"""Profiles: what is known of a user. Checked here, whoever wrote them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from shared.model import formats
from shared.model.formats import NewerFormat
from shared.model.lives import Life
from shared.model.quiet_windows import QuietHours, check_zone, is_zone

_ZONE: Final = re.compile(r"[A-Z][A-Za-z_]+(?:/[A-Z][A-Za-z0-9_+-]+){1,2}")
"""As IANA names them."""


class DigestFrequency(StrEnum):
    """How often a user wants a digest."""

    IMMEDIATE = "immediate"
    """No digest: each on its own."""
    HOURLY = "hourly"
    DAILY = "daily"
    """At 09:00 where the user is."""
    WEEKLY = "weekly"
    """On Mondays at 09:00."""


class Preferences(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A preference set. An entry that is missing allows; one that is false forbids."""

    categories: dict[str, bool] = {}
    workflows: dict[str, bool] = {}
    channel_types: dict[str, bool] = {}
    digests: dict[str, DigestFrequency] = {}
    """How often digests come, by workflow or category; `*`: all others."""


class Profile(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What is known of a user. `version` grows with every write."""

    tenant: str
    user: str
    version: int = 0
    life: Life = Life()
    deleted: bool = False
    """Nothing but this, the life and the version is left; the next to write of the user begins that life."""
    addresses: dict[str, str] = {}
    """By the name of their kind (`ADDRESS_KINDS`), one of each."""
    devices: tuple[dict[str, str], ...] = ()
    name: str | None = None
    locale: str | None = None
    """BCP 47."""
    zone: str | None = None
    """IANA."""
    preferences: Preferences = Preferences()
    quiet_hours: QuietHours | None = None
    mute_until: int | None = None
    """Nothing that is not critical until then; milliseconds since the epoch."""
    format: int = formats.OLDEST
    """Larger than this version reads: nothing else of it is known."""


def from_document(document: Mapping[str, object]) -> Profile:
    """The profile of a stored document; what is unknown in it is left alone.

    Raises msgspec.ValidationError or InvalidProfile when it was not written by us; NewerFormat, also for a zone that
    the time zones of this machine do not have yet: who wrote it knew it.
    """
    formats.check_row("profile", document)
    # A device that a database takes for a reference is no device of ours, and costs only itself.
    devices = document.get("devices")
    readable = [one for one in devices if isinstance(one, dict)] if isinstance(devices, list) else devices
    profile = msgspec.convert({**document, "devices": readable or []}, Profile)
    for zone in (profile.zone, profile.quiet_hours.zone if profile.quiet_hours else None):
        if zone is not None and not is_zone(zone):
            if _ZONE.fullmatch(zone):
                raise NewerFormat(f"profile with the time zone {zone}", formats.FORMAT + 1)
            check_zone(zone)
    return profile
