"""Settings of ingest."""

from __future__ import annotations

from pydantic import Field, SecretStr

from shared.model.identifiers import TENANT
from shared.process.settings import EdgeSettings


class IngestSettings(EdgeSettings):
    """The producers' edge."""

    ingest_port: int = Field(8080, ge=0, le=65535, description="port of the producers' API")
    prepare_timeout_seconds: float = Field(
        0.5,
        gt=0,
        le=10,
        description="how long MongoDB may take before an unkeyed request goes on without it; "
        "beyond 0.5 a 503 may take over 2 s",
    )
    send_timeout_seconds: float = Field(
        1.0, gt=0, le=1.5, description="how long Kafka may take to acknowledge, then it counts as unavailable"
    )
    outbox_timeout_seconds: float = Field(
        0.7, gt=0, le=1.0, description="how long writing to the outbox may take, then 503"
    )
    kafka_tenant: str = Field(
        "default",
        pattern=TENANT,
        description="whose events the public events topic carries, the same for ingest and router",
    )
    webhook_secret: SecretStr = Field(
        min_length=24,
        description="signs webhooks, the same for ingest and delivery; each endpoint's secret derives from it; "
        "at least 24 characters",
    )
