"""Which time zone counts for a user on a channel."""

from __future__ import annotations

from typing import Final

from shared.model.channels import Channel
from shared.model.profiles import Profile
from shared.model.quiet_windows import is_zone

DEVICE: Final = "device"
"""The kind of address of channels that reach a device."""
_UTC: Final = "UTC"


def zone_for(profile: Profile, channel: Channel) -> str:
    """The zone by which quiet hours are told.

    That of the device, on a channel that reaches one and where it is known; the quiet hours' own; the profile's; UTC.
    """
    kind = channel.spec.address
    if kind is not None and kind.name == DEVICE:
        for device in profile.devices:
            zone = device.get("zone")
            if zone is not None and is_zone(zone):
                return zone
    return (profile.quiet_hours.zone if profile.quiet_hours else None) or profile.zone or _UTC


def zone_of(profile: Profile | None, zone: str | None = None) -> str:
    """Where a user lives; `zone` is an inline person's, whom no profile knows."""
    return (profile.zone if profile else None) or zone or _UTC
