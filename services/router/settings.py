"""Settings of the router."""

from __future__ import annotations

from pydantic import Field

from shared.model.identifiers import TENANT
from shared.process.settings import ConsumerSettings


class RouterSettings(ConsumerSettings):
    """The decider."""

    chunk_size: int = Field(500, ge=1, le=5000, description="most records decided together")
    profile_cache_size: int = Field(200_000, ge=0, description="profiles kept in memory")
    profile_ttl_seconds: float = Field(60, gt=0, le=86_400, description="how long a profile is kept in memory, at most")
    router_instance: str | None = Field(
        None, description="static group membership, as the pod's name; one name must never run twice"
    )
    stall_seconds: float = Field(
        60,
        gt=0,
        le=3600,
        description="not ready when there are records to decide and none was finished for so long, "
        "although Kafka and MongoDB answer",
    )
    kafka_tenant: str = Field(
        "default",
        pattern=TENANT,
        description="whose events the public events topic carries, the same for ingest and router",
    )
    trust_kafka_tenant: bool = Field(
        False,
        description="true: an event on the public events topic may name its tenant (ce_tenant); "
        "only where the broker's ACLs let nobody write there who must not speak for every tenant",
    )
    release_spread_seconds: float = Field(30, ge=0, le=86_400, description="smooths the end of quiet hours")
    fanout_lag: int = Field(
        100,
        ge=1,
        description="a fan-out's next page of 500 waits while more notifications than this wait in a router to be decided, "
        "or in the inbox's lane to be shown, but for one a second; with more of it fan-outs are faster, and what is sent "
        "meanwhile waits longer",
    )
