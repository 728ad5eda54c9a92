"""What a deployed process reads, and that it can start with what it is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from carillon.cli.variables import PREFIX, settings_sections
from services.delivery.settings import DeliverySettings
from shared.process.settings import SettingsSection


def sections_of(service: str, given: Mapping[str, str]) -> list[type[SettingsSection]]:
    """The settings that a service reads; a delivery worker's channels are part of what it is given."""
    every = settings_sections()
    if service != "delivery":
        return every[service]
    served = DeliverySettings(**_fields(given)).delivery_channels
    return [
        section
        for name in ["delivery", *(f"delivery ({channel})" for channel in served)]
        for section in every.get(name, [])
    ]


def settings_of(service: str, given: Mapping[str, str]) -> dict[str, Any]:
    """All settings of a service, loaded. Raises ValidationError when something is missing or wrong."""
    loaded: dict[str, Any] = {}
    for section in sections_of(service, given):
        loaded |= section(**_fields(given)).model_dump()
    return loaded


def _fields(given: Mapping[str, str]) -> dict[str, str]:
    return {name.upper().removeprefix(PREFIX).lower(): value for name, value in given.items()}
