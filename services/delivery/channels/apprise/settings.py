"""Settings of the apprise channel."""

from __future__ import annotations

from functools import cached_property
from importlib.util import find_spec
from typing import Final

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from services.delivery.channels.apprise.targets import parse_targets
from shared.process.settings import SettingsSection

MISSING: Final = (
    "apprise is not installed: pip install 'carillon-platform[apprise]', or build the image with EXTRAS=apprise"
)


class AppriseSettings(SettingsSection):
    """Patience, and what each name stands for."""

    apprise_timeout_seconds: float = Field(15, gt=0, le=30, description="how long one attempt of a message may take")
    apprise_targets: SecretStr = Field(
        SecretStr(""),
        description="what recipients may name, as `oncall=discord://…, acme/office=mmost://…`, comma separated or a line "
        "each: Apprise's URLs; a tenant in front: for that one alone; empty: what is for the channel waits",
    )

    @field_validator("apprise_targets")
    @classmethod
    def _check_targets(cls, text: SecretStr, info: ValidationInfo) -> SecretStr:
        targets = parse_targets(text.get_secret_value())
        if not targets:
            return text
        if find_spec("apprise") is None:
            raise ValueError(MISSING)
        from services.delivery.channels.apprise.library import open_service  # noqa: PLC0415  # an extra

        patience = info.data.get("apprise_timeout_seconds", 1.0)
        if wrong := [name for name, url in targets.items() if open_service(url, patience) is None]:
            raise ValueError(
                f"{', '.join(wrong)}: Apprise has no such service, or the URL lacks a part that the service needs; "
                "`apprise -vv -b test URL` says what"
            )
        return text

    @cached_property
    def targets(self) -> dict[str, str]:
        """The URLs by name."""
        return parse_targets(self.apprise_targets.get_secret_value())
