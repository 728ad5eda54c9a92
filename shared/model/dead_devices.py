"""A device that its provider says is gone leaves its user's profile, unless it was given again since."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import msgspec

from shared.model.devices import DEVICE, address_of
from shared.model.lives import CLOCKS_APART_MS
from shared.model.profiles import Profile


class DeadDevice(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider's word says of whom."""

    tenant: str
    user: str
    life: int
    """The user's, when it was decided."""
    address: str
    profile_version: int
    """The profile in which the device was found."""
    at: int
    """When its provider said so, in milliseconds since the epoch."""


class ProfileWritten(NamedTuple):
    """The last write of a profile that did something else than to take a dead device out."""

    version: int
    at: int
    """Milliseconds since the epoch."""


class DeadDeviceStore(Protocol):
    """Where profiles are; over MongoDB, and in memory for tests."""

    async def remove(self, dead: DeadDevice, /) -> bool:
        """Takes it out of the profile; whether it is in there no more, be it since an earlier call.

        False: it was given again, it is a later user's, or nobody here can read the profile. Raises MongoUnavailable or
        Contended; then the same call may be repeated.
        """
        ...


def has_device(profile: Profile, address: str) -> bool:
    """Whether push reaches it by this profile."""
    return profile.addresses.get(DEVICE.name) == address or any(address_of(each) == address for each in profile.devices)


def was_given_since(written: ProfileWritten, dead: DeadDevice) -> bool:
    """Whether the profile may have been written after the provider's word, and the device in it meant anew.

    It was not, whatever clocks say, if the profile is the one that the delivery was decided with.
    """
    return written.version > dead.profile_version and written.at + CLOCKS_APART_MS > dead.at
