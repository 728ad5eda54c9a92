"""Settings of the delivery workers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from shared.model.channels import Channel
from shared.process.settings import Settings


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
        tuple(channel for channel in Channel if channel.spec.at_most_once),
        description="channels that rather lose a message than send it twice when a worker died in mid-send",
    )
    probe_seconds: float = Field(15, gt=0, description="how long a delivery waits when its provider is down")

    @field_validator("delivery_channels", "stop_after_crash", "retry_seconds", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
