"""Who has an address, by what is stored in profiles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Final, NotRequired, TypedDict

import msgspec

from shared.model import formats
from shared.model.channels import Channel
from shared.model.lives import Life
from shared.model.notifications import Notification
from shared.model.owners import AddressHolder, Owner, address_ids, owner_of
from shared.model.profiles import Preferences
from shared.model.timestamps import from_datetime
from shared.mongo.bulk import Rows
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border

MAX_HOLDERS: Final = 20
"""Of one address that are asked what they allow; a webhook may be that of thousands."""
FORBIDS_ALL: Final = Preferences(channel_types={channel.value: False for channel in Channel})
_FIELDS: Final = {
    "user": 1,
    "address_ids": 1,
    "addresses": 1,
    "preferences": 1,
    "mute_until": 1,
    "life": 1,
    "format": 1,
}


class HolderRow(TypedDict):
    """What is read of a profile."""

    user: str
    address_ids: list[str]
    addresses: NotRequired[dict[str, str]]
    preferences: NotRequired[dict[str, object]]
    mute_until: NotRequired[int | None]
    life: NotRequired[dict[str, object]]
    format: NotRequired[int]


class AddressOwners:
    """The `profiles` collection by addresses."""

    def __init__(self, database: Database) -> None:
        self._rows: Rows = database.profiles

    async def owners(self, notifications: Sequence[Notification]) -> list[Owner | None]:
        """Of each notification's inline person, in order; None without one, or where nobody has an address of theirs.

        Nothing is asked when none is for an inline person. Raises MongoUnavailable.
        """
        wanted: dict[str, set[str]] = defaultdict(set)
        for one in notifications:
            if one.contact is not None:
                wanted[one.tenant].update(address_ids(one.contact.addresses))
        holders = {tenant: await self._holders(tenant, sorted(ids)) for tenant, ids in wanted.items() if ids}
        return [
            None if one.contact is None else owner_of(one.contact, holders.get(one.tenant, {})) for one in notifications
        ]

    async def changed_at(self, wanted: Mapping[str, Collection[str]]) -> dict[tuple[str, str], int]:
        """When a profile with these address ids (by tenant) was written last, by tenant and address; ms since the epoch.

        Those that nobody has are left out. Nothing is asked when none are wanted. Raises MongoUnavailable.
        """
        found: dict[tuple[str, str], int] = {}
        for tenant, addresses in wanted.items():
            if addresses:
                found |= {(tenant, each): at for each, at in (await self._changed(tenant, sorted(addresses))).items()}
        return found

    async def _changed(self, tenant: str, ids: list[str]) -> dict[str, int]:
        latest: list[dict[str, object]] = [
            {"$match": {"tenant": tenant, "address_ids": {"$in": ids}}},
            {"$unwind": "$address_ids"},
            {"$match": {"address_ids": {"$in": ids}}},
            {"$group": {"_id": "$address_ids", "at": {"$max": "$updated_at"}}},
        ]
        with mongo_border():
            return {row["_id"]: from_datetime(row["at"]) async for row in self._rows.aggregate(latest) if row["at"]}

    async def _holders(self, tenant: str, ids: Sequence[str]) -> dict[str, list[AddressHolder]]:
        rows = await self._read(tenant, ids, MAX_HOLDERS * len(ids))
        if len(rows) == MAX_HOLDERS * len(ids) and len(ids) > 1:  # one that many have must not hide another
            rows = [row for each in ids for row in await self._read(tenant, [each], MAX_HOLDERS)]
        found: dict[str, dict[str, AddressHolder]] = defaultdict(dict)
        for row in rows:
            for each in held_by(row):
                found[each][row["user"]] = holder_of(row)
        return {each: list(found[each].values()) for each in ids if each in found}

    async def _read(self, tenant: str, ids: Sequence[str], most: int) -> list[HolderRow]:
        with mongo_border():
            rows = self._rows.find({"tenant": tenant, "address_ids": {"$in": list(ids)}}, _FIELDS).limit(most)
            return [row async for row in rows]


def held_by(row: HolderRow) -> list[str]:
    """What its addresses are compared by.

    By the addresses themselves: a release that knows no `address_ids` leaves old ones where it changes addresses. By
    the ids where the addresses are in a form that is not read here.
    """
    try:
        return address_ids(msgspec.convert(row["addresses"], dict[str, str]))
    except (KeyError, ValueError):  # ValidationError is one, too
        return row["address_ids"]


def holder_of(row: HolderRow) -> AddressHolder:
    """The user whose row it is."""
    try:
        preferences = msgspec.convert(row.get("preferences", {}), Preferences)
        mute_until = msgspec.convert(row.get("mute_until"), int | None)
    except msgspec.ValidationError:  # who knows what they forbid: it may be all
        preferences, mute_until = FORBIDS_ALL, None
    try:
        life = msgspec.convert(row.get("life", {}), Life)
    except msgspec.ValidationError:
        life = Life()
    number = row.get("format", formats.OLDEST)
    return AddressHolder(
        user=row["user"], preferences=preferences, mute_until=mute_until, life=life.number, format=number
    )
