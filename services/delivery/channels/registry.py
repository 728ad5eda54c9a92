"""From a channel to the folder that delivers it: the folder has the channel's name."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from services.delivery.channels.channel import ChannelContext, OpenChannel
from shared.model.channels import Channel


def opener(channel: Channel) -> Callable[[ChannelContext], OpenChannel]:
    """`open_channel` of the channel's folder; only what is served is imported. Raises ModuleNotFoundError."""
    found: Callable[[ChannelContext], OpenChannel] = import_module(f"{__package__}.{channel}.channel").open_channel
    return found
