"""What the router keeps of profiles, where partitions move while it reads."""

from __future__ import annotations

from services.router.profile_cache import ProfileCache
from shared.model.devices import devices_of
from shared.model.profiles import Profile
from tests.support import samples as a
from tests.support.twins.suppressions import MemorySuppressions

ADA = "acme:ada"


async def test_what_was_read_before_partitions_moved_is_not_kept() -> None:
    """Their changes since went to others: nothing would ever evict it."""
    reads: list[int] = []

    async def read(keys: list[str]) -> dict[str, Profile]:
        reads.append(len(reads))
        if len(reads) == 1:
            cache.clear()
        return {key: a.profile(version=len(reads)) for key in keys}

    cache = ProfileCache(read, suppressions=MemorySuppressions(), size=10, ttl_ms=60_000)
    versions = [(await cache.load([ADA], a.NOON))[ADA].profile for _ in range(3)]
    assert [one.version for one in versions if one] == [1, 2, 2]


async def test_of_devices_a_snapshot_has_no_token() -> None:
    device = {"platform": "fcm", "token": "of-the-phone", "zone": "Europe/Berlin"}
    profile = a.profile(devices=(device, {"name": "of no platform"}))

    async def read(keys: list[str]) -> dict[str, Profile]:
        return dict.fromkeys(keys, profile)

    cache = ProfileCache(read, suppressions=MemorySuppressions(), size=10, ttl_ms=60_000)
    found = (await cache.load([ADA], a.NOON))[ADA]
    ((endpoint, _),) = devices_of(profile)
    assert [dict(device) for device in found.snapshot["devices"]] == [
        {"endpoint": endpoint, "zone": "Europe/Berlin"},
        {},
    ]
