"""Settings of the chat channel."""

from __future__ import annotations

from pydantic import Field, field_validator

from services.delivery.outbound.guard import parse_networks
from shared.process.settings import SettingsSection


class ChatSettings(SettingsSection):
    """Patience, and which addresses are open."""

    chat_timeout_seconds: float = Field(15, gt=0, le=30, description="how long one attempt of a chat message may take")
    chat_disable_after_days: float = Field(
        5,
        gt=0,
        description="an incoming webhook that has failed for so long, without one success, is not called any more",
    )
    chat_allow: str = Field("", description="CIDRs, comma separated, chat may reach besides public addresses")

    @field_validator("chat_allow")
    @classmethod
    def _check_networks(cls, text: str) -> str:
        parse_networks(text)
        return text
