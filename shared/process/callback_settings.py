"""What delivery and ingest both need to know so that providers can tell what became of a message."""

from __future__ import annotations

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from shared.model.signed_tokens import parse_secrets
from shared.process.settings import SettingsSection


class CallbackSettings(SettingsSection):
    """Where providers call back, and how we know that it is about a message of ours."""

    callback_url: str = Field(
        "",
        pattern=r"^(https?://\S*[^\s/])?$",
        description="where providers reach ingest, as https://in.example.com: each message then asks its provider to "
        "tell there whether it was delivered; empty: none is asked",
    )
    callback_secret: SecretStr = Field(
        SecretStr(""),
        validate_default=True,
        description="signs what a provider is given to call back with, the same for delivery and ingest; several, comma "
        "separated: the first signs, each is accepted; at least 24 characters",
    )

    @field_validator("callback_secret")
    @classmethod
    def _check_callback_secret(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        secrets = parse_secrets(value.get_secret_value())
        if info.data.get("callback_url") and not secrets:
            raise ValueError("CARILLON_CALLBACK_URL needs it")
        return value

    @property
    def callback_secrets(self) -> tuple[bytes, ...]:
        """The first signs."""
        return parse_secrets(self.callback_secret.get_secret_value())
