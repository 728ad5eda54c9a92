"""Settings: how each provider's calls are known to be its own."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, SecretStr, field_validator

from services.ingest.callbacks.public_keys import parse_public_key
from shared.process.callback_settings import CallbackSettings


class VonageSignature(StrEnum):
    """How Vonage signs; the account's settings there say which."""

    MD5_HASH = "md5hash"
    MD5 = "md5"
    SHA1 = "sha1"
    SHA256 = "sha256"
    SHA512 = "sha512"


class CallbackKeys(CallbackSettings):
    """What the providers sign with. Without one, the signed path alone says whose call it is."""

    twilio_auth_token: SecretStr = Field(
        SecretStr(""), description="Twilio's auth token; with it ingest checks what Twilio signs"
    )
    vonage_signature_secret: SecretStr = Field(
        SecretStr(""), description="Vonage's signature secret, if its callbacks are signed: ask its support for that"
    )
    vonage_signature_method: VonageSignature = Field(
        VonageSignature.MD5_HASH,
        description="how it signs: md5hash, md5, sha1, sha256 or sha512, as its dashboard says",
    )
    sendgrid_public_key: str = Field(
        "", description="verification key of SendGrid's signed event webhook; without it its events are refused"
    )

    whatsapp_app_secret: SecretStr = Field(
        SecretStr(""), description="secret of Meta's app, which signs its webhook; without it its calls are refused"
    )
    whatsapp_verify_token: SecretStr = Field(
        SecretStr(""), description="what Meta is to show, when its webhook is set up, to be answered; any text"
    )

    @field_validator("sendgrid_public_key")
    @classmethod
    def _check_key(cls, text: str) -> str:
        if text:
            parse_public_key(text)
        return text
