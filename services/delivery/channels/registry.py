"""From a channel to the folder that delivers it: the folder has the channel's name.

Only the folders of channels that are served are imported. Both raise ModuleNotFoundError for a channel without one.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import ModuleType

from services.delivery.channels.channel import ChannelContext, OpenChannel
from shared.model.channels import Channel
from shared.process.settings import SettingsSection


def opener(channel: Channel) -> Callable[[ChannelContext], OpenChannel]:
    """`open_channel` of the channel's folder."""
    found: Callable[[ChannelContext], OpenChannel] = _folder(channel).open_channel
    return found


def section_of(channel: Channel) -> type[SettingsSection] | None:
    """The settings that the channel alone reads; None: it has none."""
    found: type[SettingsSection] | None = getattr(_folder(channel), "SETTINGS", None)
    return found


def _folder(channel: Channel) -> ModuleType:
    return import_module(f"{__package__}.{channel}.channel")
