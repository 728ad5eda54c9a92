"""Profiles: what is known of a user. Checked here, whoever wrote them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from shared.model import formats
from shared.model.errors import InvalidProfile
from shared.model.formats import NewerFormat
from shared.model.lives import Life
from shared.model.quiet_windows import QuietHours, check_zone, is_zone

_ZONE: Final = re.compile(r"[A-Z][A-Za-z_]+(?:/[A-Z][A-Za-z0-9_+-]+){1,2}")
"""As IANA names them."""
_PLACE: Final = ("tenant", "user", "version", "life", "deleted")
"""Without these nothing can be written over a profile."""


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


def format_of(profile: Profile) -> int:
    """The smallest that reads it: an older version would send what is muted, and lose both when it writes it again."""
    return 2 if profile.mute_until is not None or profile.preferences.digests else formats.OLDEST


def from_document(document: Mapping[str, object]) -> Profile:
    """The profile of a stored document; what is unknown in it is left alone.

    Raises msgspec.ValidationError or InvalidProfile when it was not written by us; NewerFormat, also for a zone that
    the time zones of this machine do not have yet: who wrote it knew it.
    """
    formats.check_row("profile", document)
    profile = _converted(document)
    for zone in (profile.zone, profile.quiet_hours.zone if profile.quiet_hours else None):
        if zone is not None and not is_zone(zone):
            if _ZONE.fullmatch(zone):
                raise NewerFormat(f"profile with the time zone {zone}", formats.FORMAT + 1)
            check_zone(zone)
    return profile


def readable_part(document: Mapping[str, object]) -> Profile:
    """What can be read of a stored document that as a whole cannot, for a call that replaces it.

    Each preference on its own: what somebody forbade stays forbidden though another entry is broken. Raises
    msgspec.ValidationError where tenant, user, version or life are not ours; NewerFormat.
    """
    formats.check_row("profile", document)
    kept = {name: document[name] for name in _PLACE if name in document}
    profile = from_document(kept)
    for name in Profile.__struct_fields__:
        if name in document and name not in _PLACE:
            part = _entries(document[name]) if name == "preferences" else document[name]
            try:
                profile = from_document(kept | {name: part})
            except (msgspec.ValidationError, InvalidProfile):
                continue
            kept[name] = part
    return profile


def _entries(preferences: object) -> object:
    """The entries of a preference set that can be read."""
    found: dict[str, dict[str, object]] = {}
    for name, entries in preferences.items() if isinstance(preferences, Mapping) else ():
        for key, value in entries.items() if isinstance(entries, Mapping) else ():
            try:
                msgspec.convert({name: {key: value}}, Preferences)
            except msgspec.ValidationError:
                continue
            found.setdefault(name, {})[key] = value
    return found


def _converted(document: Mapping[str, object]) -> Profile:
    # A device that a database takes for a reference is no device of ours, and costs only itself.
    devices = document.get("devices")
    readable = [one for one in devices if isinstance(one, dict)] if isinstance(devices, list) else devices
    return msgspec.convert({**document, "devices": readable or []}, Profile)
