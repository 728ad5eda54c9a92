"""Settings of ingest."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from services.ingest.callbacks.keys import CallbackKeys
from shared.model.identifiers import TENANT
from shared.model.webhook_secrets import masters
from shared.process.settings import EdgeSettings


class IngestSettings(CallbackKeys, EdgeSettings):
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
    event_origins: str = Field(
        "",
        description="who may deliver events by webhook (as eventgrid.azure.net), comma separated; * is everybody. "
        "Deliveries need a key all the same",
    )
    work_bytes: int = Field(
        32 * 1_048_576,
        ge=4 * 1_048_576,
        description="bytes of bodies that are in work at once, half of them at most of one key; beyond it 429 or 503",
    )
    requests_per_key: int = Field(
        1000, ge=1, description="requests of one key that are in work at once; beyond it 429 with Retry-After"
    )
    ingest_connections: int = Field(4000, ge=1, description="connections of a process; beyond it 503")
    max_waiting: int = Field(
        1_000_000,
        ge=0,
        description="accepted events and notifications that the routers have not decided: from so many on calls that send "
        "are answered 503 with Retry-After; 0: however many there are",
    )
    console_url: str = Field(
        "",
        pattern=r"^(https?://\S*[^\s/])?$",
        description="where clients reach the console, as https://console.example.com: `Location` leads there; "
        "empty: it is behind the same address as ingest",
    )
    kafka_tenant: str = Field(
        "default",
        pattern=TENANT,
        description="whose events the public events topic carries, the same for ingest and router",
    )
    webhook_secret: SecretStr = Field(
        description="signs webhooks, the same for ingest and delivery; each endpoint's secret derives from it; at least "
        "24 characters; several, comma separated, while endpoints change over: each signs, the first is shown",
    )

    @field_validator("webhook_secret")
    @classmethod
    def _check_secret(cls, value: SecretStr) -> SecretStr:
        masters(value.get_secret_value())
        return value

    @property
    def webhook_master(self) -> str:
        """The newest: what endpoints' secrets are shown by."""
        return masters(self.webhook_secret.get_secret_value())[0]
