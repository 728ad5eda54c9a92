"""Profiles in memory: bounded, one majority read for what is missing, evicted in the order of the log.

A profile is written to MongoDB first and announced by a `profile_changed` record in the user's partition
before its API call answers; the router drops the entry when it meets that record, before it decides
anything accepted later.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import msgspec

from services.router.core.decision import Snapshot
from shared.model import formats
from shared.model.devices import address_of, devices_of
from shared.model.lives import Life
from shared.model.owners import address_ids
from shared.model.ports import SuppressionList
from shared.model.profiles import Profile
from shared.model.suppressions import Suppression
from shared.mongo.database import encoded
from shared.process.metrics import PROFILE_CACHE

ReadProfiles = Callable[[list[str]], Awaitable[dict[str, Profile]]]
"""The stored profiles of some user keys; users without one are left out. Raises MongoUnavailable."""
UNKNOWN_USER: Snapshot = encoded({"known": False})


class KnownProfile(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the router knows of a user, and the snapshot of it that a decision keeps."""

    profile: Profile | None
    life: Life = Life()
    snapshot: Snapshot
    loaded_at: int
    newer: int = 0
    """The format of a profile that only a newer version can read; 0: it is readable."""
    suppressions: tuple[Suppression, ...] = ()
    """The entries of the suppression list about its addresses."""


class ProfileCache:
    """Profiles by `tenant:user`, users without one too."""

    def __init__(self, read: ReadProfiles, *, suppressions: SuppressionList, size: int, ttl_ms: int) -> None:
        self._read = read
        self._suppressions = suppressions
        self._size = size
        self._ttl_ms = ttl_ms
        self._known: OrderedDict[str, KnownProfile] = OrderedDict()
        self._cleared = 0

    def evict(self, keys: Iterable[str]) -> None:
        """These users' profiles have changed."""
        for key in keys:
            self._known.pop(key, None)

    def clear(self) -> None:
        """Partitions moved: what happened in them meanwhile is unknown."""
        self._cleared += 1
        self._known.clear()

    async def load(self, keys: Iterable[str], now: int) -> dict[str, KnownProfile]:
        """What is known of each key; `now` in milliseconds. Raises MongoUnavailable: who does not know must wait."""
        found: dict[str, KnownProfile] = {}
        missing: list[str] = []
        for key in set(keys):
            known = self._known.get(key)
            if known is not None and now - known.loaded_at < self._ttl_ms:
                self._known.move_to_end(key)
                found[key] = known
            else:
                missing.append(key)
        PROFILE_CACHE.labels("hit").inc(len(found))
        PROFILE_CACHE.labels("miss").inc(len(missing))
        if missing:
            found |= await self._load_missing(missing, now)
        return found

    async def _load_missing(self, keys: list[str], now: int) -> dict[str, KnownProfile]:
        cleared = self._cleared
        stored = await self._read(keys)
        wanted: dict[str, set[str]] = defaultdict(set)
        for profile in stored.values():
            wanted[profile.tenant].update(address_ids(profile.addresses))
        entries = await self._suppressions.of_addresses(wanted)
        fresh = {key: _known(stored.get(key), entries, now) for key in keys}
        if cleared == self._cleared:  # else it was read before what happened while others had the partitions
            self._known.update((key, known) for key, known in fresh.items() if not known.newer)
        while len(self._known) > self._size:
            self._known.popitem(last=False)
        return fresh


def _known(profile: Profile | None, entries: Mapping[tuple[str, str], Sequence[Suppression]], now: int) -> KnownProfile:
    if profile is not None and profile.format > formats.FORMAT:
        return KnownProfile(profile=None, snapshot=UNKNOWN_USER, loaded_at=now, newer=profile.format)
    if profile is None or profile.deleted:
        life = Life() if profile is None else profile.life
        return KnownProfile(profile=None, life=life, snapshot=UNKNOWN_USER, loaded_at=now)
    of_it: tuple[Suppression, ...] = ()
    if entries:
        ids = address_ids(profile.addresses)
        of_it = tuple(entry for each in ids for entry in entries.get((profile.tenant, each), ()))
    newer = max((entry.format for entry in of_it), default=formats.OLDEST)
    return KnownProfile(
        profile=profile,
        life=profile.life,
        snapshot=_snapshot(profile, of_it),
        loaded_at=now,
        newer=newer if newer > formats.FORMAT else 0,
        suppressions=of_it,
    )


def _devices(profile: Profile) -> list[dict[str, str]]:
    """Which there are and in which zones; of a token no more than what stands for it in the ids of deliveries."""
    known = {address: endpoint for endpoint, address in devices_of(profile)}
    return [
        {
            **({"endpoint": known[address]} if (address := address_of(device)) in known else {}),
            **({"zone": device["zone"]} if "zone" in device else {}),
        }
        for device in profile.devices
    ]


def _snapshot(profile: Profile, suppressions: Sequence[Suppression] = ()) -> Snapshot:
    """The inputs that mattered, without addresses; encoded once for all decisions that keep it."""
    return encoded(
        {
            "known": True,
            "version": profile.version,
            "locale": profile.locale,
            "zone": profile.zone,
            "addresses": sorted(profile.addresses),
            **({"devices": _devices(profile)} if profile.devices else {}),
            "preferences": msgspec.to_builtins(profile.preferences),
            "quiet_hours": msgspec.to_builtins(profile.quiet_hours),
            "mute_until": profile.mute_until,
            "suppressions": [
                {"kind": entry.kind, "reason": entry.reason.value, "category": entry.category} for entry in suppressions
            ],
        }
    )
