"""Every channel has its folder, every folder its channel."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.delivery.channels import registry
from services.delivery.settings import DeliverySettings
from shared.model.channels import Channel

FOLDER = Path(registry.__file__).parent


def test_a_folder_per_channel() -> None:
    assert {path.parent.name for path in FOLDER.glob("*/__init__.py")} == set(Channel)


@pytest.mark.parametrize("channel", Channel)
def test_every_channel_can_be_opened(channel: Channel) -> None:
    assert callable(registry.opener(channel))


def test_every_channel_is_served_and_resends_unless_its_row_says_otherwise() -> None:
    settings = DeliverySettings()
    assert settings.delivery_channels == tuple(Channel)
    assert set(settings.stop_after_crash) == {channel for channel in Channel if channel.spec.at_most_once}
