"""Settings of the delivery workers; a channel's own stand beside the channel."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from services.delivery.core.cell_rates import parse_rates
from shared.model.channels import Channel
from shared.process.settings import ConsumerSettings, SettingsSection, load_with, read

ChannelSettings = Mapping[Channel, SettingsSection]
"""The settings of each served channel that has some of its own."""


RetrySeconds = Annotated[tuple[Annotated[float, Field(ge=0, le=2_592_000)], ...], NoDecode]
"""A schedule of retries."""


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

    delivery_slots: int = Field(
        96,
        ge=1,
        le=1024,
        description="sends in flight per channel and lane; at most three quarters of them to one host, and seven eighths "
        "of one tenant",
    )
    lease_seconds: float = Field(
        60,
        gt=0,
        le=3600,
        description="how long the claim of a delivery lasts; at least twice as long as a channel's send may take, "
        "which is checked at start",
    )
    stale_after_seconds: float = Field(
        60, gt=0, le=86_400, description="a record decided longer ago is compared with the profile again"
    )
    retry_seconds: RetrySeconds = Field(
        (60, 120, 240, 480, 960, 1800, 1800, 1800, 1800, 1800),
        description="wait before each next attempt, comma separated; webhooks have a schedule of their own",
    )
    rates: str = Field(
        "",
        description="limits of each process, comma separated: `email=14` (a second), `sms/twilio=10` of one account, "
        "`sms@tenant=5` of each tenant, `telegram@recipient=20/60s` of each recipient; what is over them waits its turn",
    )
    stop_after_crash: Annotated[tuple[Channel, ...], NoDecode] = Field(
        tuple(channel for channel in Channel if channel.spec.at_most_once),
        description="channels, comma separated, that rather lose a message than send it twice "
        "when a worker died in mid-send, or when no answer came after the provider may have taken it",
    )
    probe_seconds: float = Field(
        15,
        gt=0,
        le=86_400,
        description="how long a provider or an endpoint that does not answer is left alone; each time twice as long",
    )
    longest_probe_seconds: float = Field(600, gt=0, le=86_400, description="the longest that it is left alone")
    parked_slice: int = Field(
        100, ge=1, le=2000, description="parked deliveries released per second when their provider answers again"
    )
    link_schemes: Annotated[tuple[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9+.-]*$")], ...], NoDecode] = Field(
        (),
        description="schemes besides http, https, mailto and tel, comma separated, that data may lead a link to, "
        "as `myapp`; those that a template writes itself need none",
    )

    @field_validator("rates")
    @classmethod
    def _check_rates(cls, text: str) -> str:
        parse_rates(text)
        return text

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
    settings, of_channel = load_with(DeliverySettings, sections)
    if too_long := [line for section in of_channel.values() for line in _longer_than_lease(settings, section)]:
        sys.exit("\n".join(["These settings contradict each other:", *too_long, "See docs/reference/settings.md."]))
    return settings, of_channel


def _longer_than_lease(settings: DeliverySettings, section: SettingsSection) -> Iterator[str]:
    """A line for each time-out that a lease does not cover.

    A channel's setting that ends in `timeout_seconds` is how long a send may take. One begins in the first half of its
    lease, so it has to end in the second: else another worker finds the lease over in mid-send, and sends again.
    """
    for variable, field in section.variables().items():
        if field.endswith("timeout_seconds") and 2 * (seconds := getattr(section, field)) > settings.lease_seconds:
            yield (
                f"  CARILLON_LEASE_SECONDS: {settings.lease_seconds:g} is shorter than twice {variable} ({seconds:g}): "
                f"a lease would end in mid-send. Set it to {2 * seconds:g} or more"
            )
