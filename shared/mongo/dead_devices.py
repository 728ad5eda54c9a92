"""Dead devices are taken out of profiles, by compare-and-set: whoever writes the profile meanwhile is asked anew."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NotRequired, TypedDict

import msgspec

from shared.model.dead_devices import DeadDevice, ProfileWritten, has_device, was_given_since
from shared.model.devices import DEVICE, address_of, device_ids
from shared.model.errors import InvalidProfile
from shared.model.formats import NewerFormat
from shared.model.owners import address_ids
from shared.model.profiles import Profile, from_document
from shared.model.timestamps import from_datetime, to_datetime
from shared.mongo.bulk import Rows
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.profiles import TRIES, Contended
from shared.process.clock import now_ms


class DevicesRemoved(TypedDict):
    """In a profile: that its `version` took a device out, and what was the last write before that did something else.

    What writes the profile after it gives it another version, and so makes this say nothing any more.
    """

    version: int
    written_version: int
    written_at: datetime


class ProfileDevices(TypedDict):
    """What is read of a profile's document."""

    version: int
    updated_at: datetime
    devices: NotRequired[list[object]]
    devices_removed: NotRequired[DevicesRemoved]


class DeadDevices:
    """A DeadDeviceStore over the `profiles` collection."""

    def __init__(self, database: Database) -> None:
        self._rows: Rows = database.profiles

    async def remove(self, dead: DeadDevice) -> bool:
        """As DeadDeviceStore says."""
        place = {"_id": f"{dead.tenant}:{dead.user}", "tenant": dead.tenant, "user": dead.user}
        for _ in range(TRIES):
            with mongo_border():
                document: ProfileDevices | None = await self._rows.find_one(place)
            profile = None if document is None else _readable(document)
            if document is None or profile is None or profile.deleted or profile.life.number != dead.life:
                return False
            if not has_device(profile, dead.address):
                return True
            written = _last_written(document)
            if was_given_since(written, dead):
                return False
            seen = place | {"version": profile.version}
            with mongo_border():
                update = _without(document, profile, dead.address, written)
                if (await self._rows.update_one(seen, update)).matched_count:
                    return True
        raise Contended("the profile changes too often for a device to be taken out")


def _readable(document: ProfileDevices) -> Profile | None:
    """Nobody is notified by one that is not, so nothing is lost if the device stays."""
    try:
        return from_document(document)
    except (msgspec.ValidationError, InvalidProfile, NewerFormat):
        return None


def _last_written(document: ProfileDevices) -> ProfileWritten:
    removed = document.get("devices_removed")
    if removed is not None and removed["version"] == document["version"]:
        return ProfileWritten(removed["written_version"], from_datetime(removed["written_at"]))
    return ProfileWritten(document["version"], from_datetime(document["updated_at"]))


def _without(
    document: ProfileDevices, profile: Profile, address: str, written: ProfileWritten
) -> dict[str, dict[str, object]]:
    """The update. What else stands among the devices stays as it is, readable or not."""
    others = [each for each in document.get("devices", ()) if not (isinstance(each, dict) and _is_at(each, address))]
    removed: DevicesRemoved = {
        "version": profile.version + 1,
        "written_version": written.version,
        "written_at": to_datetime(written.at),
    }
    changed: dict[str, object] = {
        "devices": others,
        "device_ids": device_ids(each for each in others if isinstance(each, dict)),
        "updated_at": to_datetime(now_ms()),
        "devices_removed": removed,
    }
    update: dict[str, dict[str, object]] = {"$set": changed, "$inc": {"version": 1}}
    if profile.addresses.get(DEVICE.name) == address:
        rest = {name: each for name, each in profile.addresses.items() if name != DEVICE.name}
        changed["address_ids"] = address_ids(rest)
        update["$unset"] = {f"addresses.{DEVICE.name}": ""}
    return update


def _is_at(device: Mapping[str, str], address: str) -> bool:
    return address_of(device) == address
