"""Settings of ingest."""

from __future__ import annotations

from pydantic import Field, SecretStr

from shared.process.settings import Settings


class IngestSettings(Settings):
    """The producers' edge."""

    host: str = "127.0.0.1"
    ingest_port: int = Field(8080, ge=0, le=65535)
    send_timeout_seconds: float = Field(1.0, gt=0, le=1.5, description="then Kafka counts as away")
    outbox_timeout_seconds: float = Field(0.7, gt=0, le=1.0)
    prepare_timeout_seconds: float = Field(
        0.5, gt=0, le=10, description="what MongoDB may take before Kafka is asked; beyond 0.5 a 503 may take over 2 s"
    )
    webhook_secret: SecretStr = Field(description="signs webhooks; each endpoint's secret derives from it")
