"""Settings of the router."""

from __future__ import annotations

from pydantic import Field

from shared.process.settings import ConsumerSettings


class RouterSettings(ConsumerSettings):
    """The decider."""

    chunk_size: int = Field(500, ge=1, le=5000, description="most records decided together")
    profile_cache_size: int = Field(200_000, ge=0, description="profiles kept in memory")
    profile_ttl_seconds: float = Field(60, gt=0, description="how long a profile is kept in memory, at most")
    router_instance: str | None = Field(
        None, description="static group membership, as the pod's name; one name must never run twice"
    )
    release_spread_seconds: float = Field(30, ge=0, description="smooths the end of quiet hours")
