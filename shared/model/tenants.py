"""A tenant's settings: what its users get by default, how much, what is stopped, what its texts are dressed in."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.model import formats
from shared.model.channels import Channel
from shared.model.profiles import Preferences

ENVIRONMENT: Final = "*"
"""The row whose settings are the defaults of all tenants. No tenant can be called so."""


class FrequencyCap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """At most so many notifications in so many seconds for each user. Critical ones pass, and do not count."""

    most: int
    seconds: int
    category: str | None = None
    """Of this category alone; None: of all together."""
    channels: tuple[Channel, ...] = ()
    """On these channels alone; none: on all together."""


class Stop(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What an operator has stopped: what arrives is held. Without a workflow and a channel: everything."""

    workflow: str | None = None
    channel: Channel | None = None
    since: int = 0
    """Milliseconds since the epoch."""


class TenantLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What its producers may do; None: as much as they can."""

    requests_per_second: int | None = None
    """Of each ingest process."""


class TenantSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What counts for a tenant. `version` grows with every write."""

    tenant: str
    version: int = 0
    name: str | None = None
    preferences: Preferences = Preferences()
    """What is allowed where a user has not chosen."""
    caps: tuple[FrequencyCap, ...] = ()
    stops: tuple[Stop, ...] = ()
    limits: TenantLimits = TenantLimits()
    brand: dict[str, str] = {}
    """What templates see as `tenant.brand`."""
    format: int = formats.OLDEST

    def within(self, environment: TenantSettings) -> TenantSettings:
        """With the environment's settings where the tenant has none of its own; caps and stops of both count."""
        mine, its = self.preferences, environment.preferences
        return msgspec.structs.replace(
            self,
            version=self.version + environment.version,
            preferences=Preferences(
                categories={**its.categories, **mine.categories},
                workflows={**its.workflows, **mine.workflows},
                channel_types={**its.channel_types, **mine.channel_types},
            ),
            caps=(*environment.caps, *self.caps),
            stops=(*environment.stops, *self.stops),
            brand={**environment.brand, **self.brand},
        )

    def stopped(self, workflow: str) -> bool:
        """Whether all of it, or this workflow, is stopped."""
        return any(stop.channel is None and stop.workflow in (None, workflow) for stop in self.stops)

    def channel_stopped(self, workflow: str, channel: Channel) -> bool:
        """Whether this channel, of all workflows or of this one, is stopped."""
        return any(stop.channel is channel and stop.workflow in (None, workflow) for stop in self.stops)
