"""Settings of the webhook channel."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from services.delivery.outbound.guard import parse_networks
from services.delivery.settings import RetrySeconds, comma_separated
from shared.model.webhook_secrets import masters
from shared.process.settings import SettingsSection


class WebhookSettings(SettingsSection):
    """Signing, patience, and which addresses are open."""

    webhook_secret: SecretStr = Field(
        description="signs webhooks, the same for ingest and delivery; each endpoint's secret derives from it; at least "
        "24 characters; several, comma separated, while endpoints change over: each signs, the first is shown",
    )
    webhook_timeout_seconds: float = Field(15, gt=0, le=30, description="how long one attempt of a webhook may take")
    webhook_retry_seconds: RetrySeconds = Field(
        (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400),
        description="wait before each next attempt of a webhook, comma separated; the default is that of Standard "
        "Webhooks. What expires earlier, expires",
    )
    _split = field_validator("webhook_retry_seconds", mode="before")(comma_separated)
    webhook_disable_after_days: float = Field(
        5, gt=0, description="an endpoint that has failed for so long, without one success, is not called any more"
    )
    webhook_allow: str = Field("", description="CIDRs, comma separated, webhooks may reach besides public ones")

    @field_validator("webhook_secret")
    @classmethod
    def _check_secret(cls, value: SecretStr) -> SecretStr:
        masters(value.get_secret_value())
        return value

    @field_validator("webhook_allow")
    @classmethod
    def _check_networks(cls, text: str) -> str:
        parse_networks(text)
        return text
