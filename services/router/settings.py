"""Settings of the router."""

from __future__ import annotations

from pydantic import Field

from shared.process.settings import Settings


class RouterSettings(Settings):
    """The decider."""

    chunk_size: int = Field(500, ge=1, le=5000)
    profile_cache_size: int = Field(200_000, ge=0)
    profile_ttl_seconds: float = Field(60, gt=0)
    router_instance: str | None = Field(None, description="static group membership, as the pod's name")
    release_spread_seconds: float = Field(30, ge=0, description="smooths the end of quiet hours")
