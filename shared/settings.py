"""Settings of every process: one frozen object each, read once at the edge.

Environment variables start with `CARILLON_`; a file named like the variable, in lower case, in the folder
`CARILLON_SECRETS_DIR` does the same for secrets. All errors are reported at once.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.channels import Channel
from shared.topics import Topics

PREFIX = "CARILLON_"


class Settings(BaseSettings):
    """What every service needs: the log, the memory, a health port."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    kafka: str = Field("127.0.0.1:9092", description="bootstrap servers, host:port[,host:port]")
    topic_prefix: str = Field("carillon", pattern=r"^[a-z0-9-]+$")
    mongo: str = Field("mongodb://127.0.0.1:27017/?replicaSet=rs0", description="URI of a replica set")
    mongo_database: str = Field("carillon", pattern=r"^[A-Za-z0-9_-]{1,38}$")
    health_host: str = "127.0.0.1"
    health_port: int = Field(0, ge=0, le=65535, description="/livez /readyz /metrics; 0: any free port")
    session_timeout_seconds: float = Field(10, gt=0, description="how long a dead consumer keeps its partitions")
    company_ms: float = Field(3, ge=0, le=50, description="wait for company after a chunk of several records")
    drain_seconds: float = Field(20, gt=0, description="how long SIGTERM waits for work in flight")
    log_level: str = Field("info", pattern=r"^(debug|info|warning|error)$")
    failpoint: str | None = Field(None, description="tests only: NAME[:N], SIGKILL at the Nth pass of it")

    @property
    def topics(self) -> Topics:
        """Topic names under this stack's prefix."""
        return Topics(self.topic_prefix)


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


class RouterSettings(Settings):
    """The decider."""

    chunk_size: int = Field(500, ge=1, le=5000)
    profile_cache_size: int = Field(200_000, ge=0)
    profile_ttl_seconds: float = Field(60, gt=0)
    router_instance: str | None = Field(None, description="static group membership, as the pod's name")
    release_spread_seconds: float = Field(30, ge=0, description="smooths the end of quiet hours")


class SchedulerSettings(Settings):
    """The one clock."""

    scheduler_batch: int = Field(200, ge=1, le=2000)
    scheduler_lease_seconds: float = Field(10, gt=0)
    scheduler_idle_seconds: float = Field(0.25, gt=0, le=5, description="the longest wait between two looks")


class DeliverySettings(Settings):
    """The worker of one or more channels."""

    delivery_channels: Annotated[tuple[Channel, ...], NoDecode] = tuple(Channel)
    delivery_slots: int = Field(64, ge=1, le=1024, description="sends in flight per channel and lane")
    lease_seconds: float = Field(60, gt=0, description="longer than the longest send")
    stale_after_seconds: float = Field(60, gt=0)
    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(2525, ge=1, le=65535)
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_start_tls: bool = False
    smtp_connections: int = Field(4, ge=1, le=64)
    email_from: str = "Carillon <carillon@localhost>"
    webhook_secret: SecretStr = Field(description="the same as ingest's")
    webhook_timeout_seconds: float = Field(15, gt=0, le=30)
    webhook_allow: str = Field("", description="CIDRs, comma separated, webhooks may reach besides public ones")
    retry_seconds: Annotated[tuple[float, ...], NoDecode] = Field(
        (5, 30, 120, 600, 1800, 7200, 18_000), description="wait before each next attempt, comma separated"
    )
    stop_after_crash: Annotated[tuple[Channel, ...], NoDecode] = Field(
        (), description="channels that rather lose a message than send it twice when a worker died in mid-send"
    )
    probe_seconds: float = Field(15, gt=0, description="how long a delivery waits when its provider is down")

    @field_validator("delivery_channels", "stop_after_crash", "retry_seconds", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class GatewaySettings(Settings):
    """The users' edge."""

    host: str = "127.0.0.1"
    gateway_port: int = Field(8081, ge=0, le=65535)
    socket_port: int = Field(8082, ge=0, le=65535)
    token_secret: SecretStr = Field(min_length=32, description="HS256 secret of the users' JWTs")
    origins: str = Field("http://127.0.0.1:8083,http://localhost:8083", description="exact Origins, comma separated")


class ConsoleSettings(Settings):
    """The operators' edge."""

    host: str = "127.0.0.1"
    console_port: int = Field(8083, ge=0, le=65535)


S = TypeVar("S", bound=Settings)


def load(kind: type[S]) -> S:
    """Settings from the environment and the secrets folder; exits with every error at once."""
    try:
        return kind(_secrets_dir=os.environ.get(f"{PREFIX}SECRETS_DIR"))
    except ValidationError as error:
        lines = [
            f"  {PREFIX}{'_'.join(map(str, problem['loc'])).upper()}: {problem['msg']}" for problem in error.errors()
        ]
        sys.exit("These settings are missing or wrong:\n" + "\n".join(lines) + "\nSee docs/operations.md.")
