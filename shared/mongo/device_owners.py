"""Whose a device is: of one user at a time, the one who registered it last. Else it shows one person what is another's."""

from __future__ import annotations

import msgspec

from shared.model.dead_devices import has_device
from shared.model.devices import DEVICE, address_of, device_id
from shared.model.errors import InvalidProfile
from shared.model.owners import address_ids
from shared.model.ports import RecordWriter
from shared.model.profiles import Profile
from shared.model.topics import Topics
from shared.mongo import profiles
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border


class _HasItNoMore(Exception):
    """Somebody wrote the profile meanwhile."""


class DeviceOwners:
    """The `profiles` collection by devices."""

    def __init__(self, database: Database, writer: RecordWriter, topics: Topics) -> None:
        self._database = database
        self._writer = writer
        self._topics = topics

    async def take_from_others(self, tenant: str, user: str, device: dict[str, str]) -> int:
        """Takes it out of the profiles of the tenant's other users; of how many. It may be repeated.

        Who the index finds counts only by what stands in the profile. Raises MongoUnavailable, KafkaUnavailable,
        Contended or NewerFormat.
        """
        address = address_of(device)
        if address is None:
            return 0
        others = {
            *await self._having(tenant, "device_ids", device_id(device)),
            *await self._having(tenant, "address_ids", *address_ids({DEVICE.name: address})),
        } - {user}
        return sum([await self._take(tenant, other, address) for other in sorted(others)])

    async def _having(self, tenant: str, field: str, value: str) -> list[str]:
        """Users; each field has an index of its own, of which none is used where both are asked for at once."""
        with mongo_border():
            return [
                row["user"] async for row in self._database.profiles.find({"tenant": tenant, field: value}, {"user": 1})
            ]

    async def _take(self, tenant: str, user: str, address: str) -> bool:
        def without(stored: Profile) -> Profile:
            if stored.deleted or not has_device(stored, address):
                raise _HasItNoMore
            kept = {name: each for name, each in stored.addresses.items() if (name, each) != (DEVICE.name, address)}
            devices = tuple(each for each in stored.devices if address_of(each) != address)
            return msgspec.structs.replace(stored, addresses=kept, devices=devices)

        try:
            await profiles.write(self._database, self._writer, self._topics, tenant=tenant, user=user, change=without)
        except (_HasItNoMore, msgspec.ValidationError, InvalidProfile):
            return False  # of one that nobody can read nobody is notified
        return True
