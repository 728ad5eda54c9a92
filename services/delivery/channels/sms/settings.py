"""Settings of the SMS channel and of its providers."""

from __future__ import annotations

from functools import cached_property
from typing import Final

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from services.delivery.channels.provider_list import check_providers, describe, parse_providers
from services.delivery.core.choice import Candidate
from shared.process.callback_settings import CallbackSettings

NEEDED: Final = {
    "twilio": ("twilio_account_sid", "twilio_auth_token", "twilio_from"),
    "vonage": ("vonage_api_key", "vonage_api_secret", "vonage_from"),
}
"""By provider, what it cannot send without."""


class SmsSettings(CallbackSettings):
    """Which providers carry SMS, and our accounts there."""

    sms_timeout_seconds: float = Field(15, gt=0, le=30, description="how long one attempt of an SMS may take")
    twilio_url: str = Field("https://api.twilio.com", pattern=r"^https?://\S*[^\s/]$", description="Twilio's API")
    twilio_account_sid: str = Field("", pattern=r"^(AC[0-9a-fA-F]{32})?$", description="the account's SID at Twilio")
    twilio_auth_token: SecretStr = Field(SecretStr(""), description="Twilio's auth token")
    twilio_from: str = Field(
        "", description="who sends: a number in E.164, a name of letters, or the SID (MG…) of a messaging service"
    )
    vonage_url: str = Field("https://rest.nexmo.com", pattern=r"^https?://\S*[^\s/]$", description="Vonage's SMS API")
    vonage_api_key: str = Field("", description="the account's API key at Vonage")
    vonage_api_secret: SecretStr = Field(SecretStr(""), description="its secret")
    vonage_from: str = Field("", description="who sends: a number without `+`, or a name of letters")
    sms_providers: str = Field("", description=describe(list(NEEDED)))

    @field_validator("sms_providers")
    @classmethod
    def _check_providers(cls, text: str, info: ValidationInfo) -> str:
        return check_providers(text, info.data, NEEDED)

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """The providers as they were named."""
        return parse_providers(self.sms_providers, NEEDED)
