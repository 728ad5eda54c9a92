"""Profiles in memory, as the router and delivery read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from shared.model.errors import MongoUnavailable
from shared.model.profiles import Profile
from tests.support.twins.outages import Outages


class MemoryProfiles:
    """What is stored, by `tenant:user`."""

    def __init__(self, *profiles: Profile) -> None:
        self.outages = Outages(MongoUnavailable)
        self._rows: dict[str, Profile] = {}
        self.written_at: dict[str, int] = {}
        self.put(*profiles)

    def put(self, *profiles: Profile, at: int = 0) -> None:
        """Stores profiles, each under the version that it has; `at` in milliseconds since the epoch."""
        self._rows.update({f"{profile.tenant}:{profile.user}": profile for profile in profiles})
        self.written_at.update({f"{profile.tenant}:{profile.user}": at for profile in profiles})

    def all(self) -> list[Profile]:
        """Everything that is stored."""
        return list(self._rows.values())

    async def read_many(self, user_keys: Sequence[str]) -> dict[str, Profile]:
        async with self.outages.call():
            return {key: self._rows[key] for key in user_keys if key in self._rows}

    async def settle(self, lives: Mapping[str, int]) -> None:
        async with self.outages.call():
            for key, number in lives.items():
                profile = self._rows.get(key)
                if profile is not None and profile.life.number == number:
                    life = msgspec.structs.replace(profile.life, settled=True)
                    self._rows[key] = msgspec.structs.replace(profile, life=life)

    async def versions(self, user_keys: Sequence[str]) -> dict[str, int]:
        async with self.outages.call():
            return {key: self._rows[key].version for key in user_keys if key in self._rows}
