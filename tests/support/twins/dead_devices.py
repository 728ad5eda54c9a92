"""Dead devices leave profiles, in memory."""

from __future__ import annotations

import msgspec

from shared.model.dead_devices import DeadDevice, ProfileWritten, has_device, was_given_since
from shared.model.devices import DEVICE, address_of
from shared.model.errors import MongoUnavailable
from tests.support.twins.outages import Outages
from tests.support.twins.profiles import MemoryProfiles


class MemoryDeadDevices:
    """A DeadDeviceStore over profiles in memory."""

    def __init__(self, profiles: MemoryProfiles) -> None:
        self.outages = Outages(MongoUnavailable)
        self._profiles = profiles
        self._written: dict[str, tuple[int, ProfileWritten]] = {}

    async def remove(self, dead: DeadDevice) -> bool:
        async with self.outages.call():
            return self._remove(dead)

    def _remove(self, dead: DeadDevice) -> bool:
        key = f"{dead.tenant}:{dead.user}"
        profile = next((each for each in self._profiles.all() if f"{each.tenant}:{each.user}" == key), None)
        if profile is None or profile.deleted or profile.life.number != dead.life:
            return False
        if not has_device(profile, dead.address):
            return True
        version, written = self._written.get(key, (-1, ProfileWritten(0, 0)))
        if version != profile.version:
            written = ProfileWritten(profile.version, self._profiles.written_at[key])
        if was_given_since(written, dead):
            return False
        self._written[key] = (profile.version + 1, written)
        addresses = {
            name: each for name, each in profile.addresses.items() if (name, each) != (DEVICE.name, dead.address)
        }
        devices = tuple(each for each in profile.devices if address_of(each) != dead.address)
        changed = msgspec.structs.replace(profile, version=profile.version + 1, addresses=addresses, devices=devices)
        self._profiles.put(changed, at=dead.at)
        return True
