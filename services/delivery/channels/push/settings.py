"""Settings of the push channel: a platform is set up when its settings are there."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Final, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from services.delivery.channels.push.credentials import (
    UnusableKey,
    parse_apns_key,
    parse_service_account,
    parse_vapid_key,
)
from services.delivery.outbound.guard import parse_networks
from shared.model.devices import Platform
from shared.process.settings import PREFIX, SettingsSection

_URL: Final = r"^(https?://\S*[^\s/])?$"
NEEDED: Final[dict[Platform, tuple[str, ...]]] = {
    Platform.FCM: ("fcm_service_account",),
    Platform.APNS: ("apns_key", "apns_key_id", "apns_team_id", "apns_topic"),
    Platform.WEBPUSH: ("webpush_private_key", "webpush_subject"),
}
"""By platform, what it cannot send without; with none of it, it is not set up."""
ALONE: Final = {Platform.FCM: ("fcm_project",)}
"""What says as well that a platform is meant."""


class ApnsEnvironment(StrEnum):
    """Which devices have the tokens: those with the app of the store, or those of developers."""

    PRODUCTION = "production"
    SANDBOX = "sandbox"

    @property
    def url(self) -> str:
        """Where it is."""
        return f"https://api.{'sandbox.' if self is ApnsEnvironment.SANDBOX else ''}push.apple.com"


class PushSettings(SettingsSection):
    """Our accounts with those who carry push messages."""

    push_timeout_seconds: float = Field(15, gt=0, le=30, description="how long one attempt of a push message may take")
    fcm_service_account: SecretStr = Field(
        SecretStr(""), description="the JSON of a service account's key that may send by FCM, or the path of its file"
    )
    fcm_project: str = Field(
        "", pattern=r"^[a-z0-9:.-]*$", description="the Firebase project's id; empty: that of the service account"
    )
    fcm_url: str = Field("https://fcm.googleapis.com", pattern=_URL, description="FCM's API")
    fcm_token_url: str = Field(
        "", pattern=_URL, description="where access tokens are had; empty: where the service account says"
    )
    apns_key: SecretStr = Field(
        SecretStr(""), description="the key of Apple's developer site (.p8), or its file's path"
    )
    apns_key_id: str = Field("", pattern=r"^[A-Za-z0-9]{0,20}$", description="the key's id there, ten characters")
    apns_team_id: str = Field("", pattern=r"^[A-Za-z0-9]{0,20}$", description="the team's id there, ten characters")
    apns_topic: str = Field("", pattern=r"^[A-Za-z0-9.-]*$", description="the app's bundle id")
    apns_environment: ApnsEnvironment = Field(
        ApnsEnvironment.PRODUCTION, description="`production`, or `sandbox` for builds of developers"
    )
    apns_url: str = Field("", pattern=_URL, description="another server than that of the environment")
    apns_ca_file: Path | None = Field(
        None, description="certificates (PEM) of authorities to trust besides the system's, for CARILLON_APNS_URL"
    )
    webpush_private_key: SecretStr = Field(
        SecretStr(""), description="the VAPID key: 32 bytes in base64url, or PEM; or the path of its file"
    )
    webpush_subject: str = Field(
        "",
        pattern=r"^((mailto:[^\s@]+@[^\s@]+|https://[^\s/]+)[^\s]*)?$",
        description="whom push services turn to: mailto:you@example.com",
    )
    webpush_allow: str = Field("", description="CIDRs, comma separated, Web Push may reach besides public addresses")

    @field_validator("fcm_service_account", "apns_key", "webpush_private_key")
    @classmethod
    def _read_file(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value().strip()
        if not text.startswith("/"):
            return SecretStr(text)
        try:
            return SecretStr(Path(text).read_text("utf-8").strip())
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"the file {text} cannot be read") from error

    @field_validator("webpush_allow")
    @classmethod
    def _check_networks(cls, text: str) -> str:
        parse_networks(text)
        return text

    @field_validator("apns_ca_file")
    @classmethod
    def _check_ca_file(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError(f"{value} is no file")
        return value

    @model_validator(mode="after")
    def _check_platforms(self) -> Self:
        """Half of a platform's settings would otherwise be found missing by each message on its own."""
        wrong = [
            f"{platform} needs {', '.join(missing)}" for platform in Platform if (missing := self._missing(platform))
        ]
        if wrong:
            raise ValueError("; ".join(wrong))
        try:
            if self.has(Platform.FCM):
                parse_service_account(self.fcm_service_account.get_secret_value())
            if self.has(Platform.APNS):
                parse_apns_key(self.apns_key.get_secret_value())
            if self.has(Platform.WEBPUSH):
                parse_vapid_key(self.webpush_private_key.get_secret_value())
        except UnusableKey as error:
            raise ValueError(f"{PREFIX}{error.setting.upper()}: {error}") from None
        return self

    def has(self, platform: Platform) -> bool:
        """Whether it is set up."""
        return all(self._is_said(name) for name in NEEDED[platform])

    @property
    def apns_server(self) -> str:
        """Where APNs is."""
        return self.apns_url or self.apns_environment.url

    def _missing(self, platform: Platform) -> list[str]:
        needed = NEEDED[platform]
        if not any(self._is_said(name) for name in (*needed, *ALONE.get(platform, ()))):
            return []
        return [f"{PREFIX}{name.upper()}" for name in needed if not self._is_said(name)]

    def _is_said(self, name: str) -> bool:
        value = getattr(self, name)
        return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)
