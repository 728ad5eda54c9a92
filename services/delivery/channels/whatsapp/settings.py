"""Settings of the WhatsApp channel and of its provider."""

from __future__ import annotations

from functools import cached_property
from typing import Final

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from services.delivery.channels.provider_list import check_providers, describe, parse_providers
from services.delivery.core.choice import Candidate
from shared.process.callback_settings import CallbackSettings

NEEDED: Final = {"meta": ("whatsapp_phone_number_id", "whatsapp_access_token")}
"""By provider, what it cannot send without."""


class WhatsAppSettings(CallbackSettings):
    """Which providers carry WhatsApp messages, and our number there."""

    whatsapp_timeout_seconds: float = Field(15, gt=0, le=30, description="how long one attempt of a message may take")
    whatsapp_url: str = Field(
        "https://graph.facebook.com", pattern=r"^https?://\S*[^\s/]$", description="Meta's Graph API"
    )
    whatsapp_version: str = Field("v23.0", pattern=r"^v[1-9][0-9]{0,2}\.[0-9]$", description="which version of it")
    whatsapp_phone_number_id: str = Field(
        "", pattern=r"^[0-9]{0,32}$", description="the id at Meta of the number that sends; not the number"
    )
    whatsapp_access_token: SecretStr = Field(
        SecretStr(""),
        description="of a system user with whatsapp_business_messaging; those of the dashboard end after a day",
    )
    whatsapp_providers: str = Field("", description=describe(list(NEEDED)))

    @field_validator("whatsapp_providers")
    @classmethod
    def _check_providers(cls, text: str, info: ValidationInfo) -> str:
        return check_providers(text, info.data, NEEDED)

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """The providers as they were named."""
        return parse_providers(self.whatsapp_providers, NEEDED)
