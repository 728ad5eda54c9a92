"""Settings of the webhook channel."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from services.delivery.outbound.guard import parse_networks
from shared.process.settings import SettingsSection


class WebhookSettings(SettingsSection):
    """Signing, patience, and which addresses are open."""

    webhook_secret: SecretStr = Field(
        min_length=24,
        description="signs webhooks, the same for ingest and delivery; each endpoint's secret derives from it; "
        "at least 24 characters",
    )
    webhook_timeout_seconds: float = Field(15, gt=0, le=30, description="how long one attempt of a webhook may take")
    webhook_disable_after_days: float = Field(
        5, gt=0, description="an endpoint that has failed for so long, without one success, is not called any more"
    )
    webhook_allow: str = Field("", description="CIDRs, comma separated, webhooks may reach besides public ones")

    @field_validator("webhook_allow")
    @classmethod
    def _check_networks(cls, text: str) -> str:
        parse_networks(text)
        return text
