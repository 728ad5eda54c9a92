"""A tenant's settings: what its users get by default, how much, what is stopped, what its texts are dressed in."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from shared.model import formats
from shared.model.channels import Channel
from shared.model.profiles import Preferences
from shared.model.staging import Staging

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

    def in_words(self) -> str:
        """What is stopped, as an operator says it."""
        parts = [*([self.workflow] if self.workflow else []), *([f"on {self.channel}"] if self.channel else [])]
        return " ".join(parts) or "everything"

    def covers(self, workflow: str | None, channel: Channel | None) -> bool:
        """Whether it stops this channel of this workflow; None: all of them, which only a stop of all covers."""
        return self.workflow in (None, workflow) and self.channel in (None, channel)


class TenantLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What its producers may do; None: as much as they can."""

    requests_per_second: int | None = None
    """Of each ingest process."""


class StopSweep(NamedTuple):
    """What becomes of a tenant's holds whose cause is a stop."""

    stops: tuple[Stop, ...] = ()
    """Those in place: what they cover stays held."""
    cancels: tuple[Stop, ...] = ()
    """What was accepted before `since` and is covered by one of these ends as cancelled, whatever is in place."""
    after: str = ""
    """The hold up to which they have been looked at, in the order of their ids; empty: none yet."""

    def cancels_it(self, workflow: str | None, channel: Channel | None, accepted_at: int) -> bool:
        """Whether a hold of this is cancelled."""
        return any(each.covers(workflow, channel) and accepted_at <= each.since for each in self.cancels)

    def releases(self, workflow: str | None, channel: Channel | None) -> bool:
        """Whether a hold of this, which is not cancelled, goes on: nothing stops it any more."""
        return not any(stop.covers(workflow, channel) for stop in self.stops)


class Swept(NamedTuple):
    """What one piece of a sweep came to."""

    released: int = 0
    cancelled: int = 0
    after: str | None = None
    """Where the next piece begins; None: there is none."""


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
    staging: Staging | None = None
    """None: what its test keys send is simulated, all else goes out."""
    providers: dict[str, tuple[str, ...]] = {}
    """By channel, the providers that carry what is the tenant's, in this order."""
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
                digests={**its.digests, **mine.digests},
            ),
            caps=(*environment.caps, *self.caps),
            stops=(*environment.stops, *self.stops),
            limits=self.limits if self.limits.requests_per_second is not None else environment.limits,
            staging=self.staging or environment.staging,
            providers={**environment.providers, **self.providers},
            brand={**environment.brand, **self.brand},
            format=max(self.format, environment.format),
        )

    def stopped(self, workflow: str) -> bool:
        """Whether all of it, or this workflow, is stopped."""
        return any(stop.channel is None and stop.workflow in (None, workflow) for stop in self.stops)

    def channel_stopped(self, workflow: str, channel: Channel) -> bool:
        """Whether this channel, of all workflows or of this one, is stopped."""
        return any(stop.channel is channel and stop.workflow in (None, workflow) for stop in self.stops)


def effective(tenant: str, own: TenantSettings | None, environment: TenantSettings | None) -> TenantSettings | None:
    """What counts for a tenant; None: nothing is set."""
    if environment is None:
        return own
    return (own or TenantSettings(tenant=tenant)).within(environment)
