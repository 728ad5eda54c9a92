"""Who has an address, in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from shared.model.errors import MongoUnavailable
from shared.model.notifications import Notification
from shared.model.owners import AddressHolder, Owner, address_ids, owner_of
from shared.model.profiles import Profile
from tests.support.twins.outages import Outages
from tests.support.twins.profiles import MemoryProfiles


class MemoryAddressOwners:
    """An AddressOwnerLookup over profiles in memory."""

    def __init__(self, profiles: MemoryProfiles) -> None:
        self.outages = Outages(MongoUnavailable)
        self._profiles = profiles

    async def owners(self, notifications: Sequence[Notification]) -> list[Owner | None]:
        async with self.outages.call():
            return [None if one.contact is None else self._owner(one) for one in notifications]

    async def changed_at(self, wanted: Mapping[str, Collection[str]]) -> dict[tuple[str, str], int]:
        found: dict[tuple[str, str], int] = {}
        async with self.outages.call():
            for tenant, addresses in wanted.items():
                for profile in self._of(tenant):
                    at = self._profiles.written_at[f"{tenant}:{profile.user}"]
                    for each in {*address_ids(profile.addresses)} & {*addresses}:
                        found[tenant, each] = max(at, found.get((tenant, each), 0))
        return found

    def _owner(self, one: Notification) -> Owner | None:
        contact = one.contact
        assert contact is not None
        holders: dict[str, list[AddressHolder]] = {}
        for profile in self._of(one.tenant):
            for address in address_ids(profile.addresses):
                holders.setdefault(address, []).append(
                    AddressHolder(
                        user=profile.user,
                        preferences=profile.preferences,
                        mute_until=profile.mute_until,
                        life=profile.life.number,
                        format=profile.format,
                    )
                )
        return owner_of(contact, holders)

    def _of(self, tenant: str) -> list[Profile]:
        return [profile for profile in self._profiles.all() if profile.tenant == tenant and not profile.deleted]
