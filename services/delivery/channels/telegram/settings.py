"""Settings of the Telegram channel and of its provider."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from services.delivery.channels.provider_list import check_providers, describe, parse_providers
from services.delivery.core.choice import Candidate
from shared.process.settings import SettingsSection

NEEDED: Final = {"telegram": ("telegram_token",)}
"""By provider, what it cannot send without."""
_TOKEN: Final = re.compile("([0-9]{1,20}:[A-Za-z0-9_-]{1,100})?")


class TelegramSettings(SettingsSection):
    """Which provider carries messages to Telegram, and our bot there."""

    telegram_timeout_seconds: float = Field(15, gt=0, le=30, description="how long one attempt of a message may take")
    telegram_url: str = Field(
        "https://api.telegram.org", pattern=r"^https?://\S*[^\s/]$", description="the Bot API, or a server of your own"
    )
    telegram_token: SecretStr = Field(SecretStr(""), description="the bot's token, as BotFather says it")
    telegram_providers: str = Field("", description=describe(list(NEEDED)))

    @field_validator("telegram_token")
    @classmethod
    def _check_token(cls, token: SecretStr) -> SecretStr:
        if not _TOKEN.fullmatch(token.get_secret_value()):  # it becomes a part of a URL
            raise ValueError("not a token of BotFather's: digits, a colon, letters, digits, - and _")
        return token

    @field_validator("telegram_providers")
    @classmethod
    def _check_providers(cls, text: str, info: ValidationInfo) -> str:
        return check_providers(text, info.data, NEEDED)

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """The providers as they were named."""
        return parse_providers(self.telegram_providers, NEEDED)
