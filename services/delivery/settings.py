"""Settings of the delivery workers; a channel's own stand beside the channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from shared.model.channels import Channel
from shared.process.settings import ConsumerSettings, SettingsSection, load_with, read

ChannelSettings = Mapping[Channel, SettingsSection]
"""The settings of each served channel that has some of its own."""


def comma_separated(value: object) -> object:
    """The parts of a string; anything else as it is."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def each_once(values: tuple[Channel, ...]) -> tuple[Channel, ...]:
    """Without repetitions, in order. Raises ValueError when there is none."""
    if not values:
        raise ValueError("name at least one channel, or leave it out for all of them")
    return tuple(dict.fromkeys(values))


class ServedChannels(SettingsSection):
    """Which channels a worker serves, and so which settings of channels it needs."""

    delivery_channels: Annotated[tuple[Channel, ...], NoDecode] = Field(
        tuple(Channel), description="the channels this process serves, comma separated"
    )
    _split_channels = field_validator("delivery_channels", mode="before")(comma_separated)
    _once = field_validator("delivery_channels")(each_once)


class DeliverySettings(ServedChannels, ConsumerSettings):
    """The worker of one or more channels."""

    delivery_slots: int = Field(64, ge=1, le=1024, description="sends in flight per channel and lane")
    lease_seconds: float = Field(
        60, gt=0, le=3600, description="how long the claim of a delivery lasts; longer than the longest send"
    )
    stale_after_seconds: float = Field(
        60, gt=0, le=86_400, description="a record decided longer ago is compared with the profile again"
    )
    retry_seconds: Annotated[tuple[Annotated[float, Field(ge=0, le=2_592_000)], ...], NoDecode] = Field(
        (5, 30, 120, 600, 1800, 7200, 18_000), description="wait before each next attempt, comma separated"
    )
    stop_after_crash: Annotated[tuple[Channel, ...], NoDecode] = Field(
        tuple(channel for channel in Channel if channel.spec.at_most_once),
        description="channels, comma separated, that rather lose a message than send it twice "
        "when a worker died in mid-send, or when no answer came after the provider may have taken it",
    )
    probe_seconds: float = Field(15, gt=0, le=86_400, description="how long a delivery waits when its provider is down")
    link_schemes: Annotated[tuple[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9+.-]*$")], ...], NoDecode] = Field(
        (),
        description="schemes besides http, https, mailto and tel, comma separated, that data may lead a link to, "
        "as `myapp`; those that a template writes itself need none",
    )
    _split = field_validator("stop_after_crash", "retry_seconds", "link_schemes", mode="before")(comma_separated)


def load_delivery(
    section_of: Callable[[Channel], type[SettingsSection] | None],
) -> tuple[DeliverySettings, ChannelSettings]:
    """The worker's settings, and those of each channel it serves that has some; exits with every error at once.

    Which channels are served comes first: an error there leaves open what else is asked for.
    """
    served = read(ServedChannels, {})  # what is wrong with it is said below, with the rest: it is a part of the whole
    channels = () if served is None else served.delivery_channels
    sections = {channel: section for channel in channels if (section := section_of(channel)) is not None}
    return load_with(DeliverySettings, sections)
