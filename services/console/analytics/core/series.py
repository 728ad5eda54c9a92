"""What statuses are counted by. A series has names of the catalog and words of enums only, never what a person wrote."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from services.console.analytics.core.outcomes import INBOX, OTHER, outcome_of
from shared.model.channels import Channel

MAX_NAME: Final = 100
"""Characters of a workflow, provider, variant or locale; a longer one is `other`."""
_CHANNELS: Final = frozenset(map(str, Channel))


class Dimension(StrEnum):
    """What rollups may be grouped and filtered by, besides the outcome."""

    WORKFLOW = "workflow"
    CHANNEL = "channel"
    PROVIDER = "provider"
    VARIANT = "variant"
    LOCALE = "locale"


class Series(NamedTuple):
    """Statuses of one kind. None: they do not say it, as what concerns a whole notification has no channel."""

    outcome: str
    workflow: str | None = None
    channel: str | None = None
    provider: str | None = None
    variant: str | None = None
    locale: str | None = None


def series_of(about: Mapping[str, object]) -> Series:
    """The series of statuses with this `type` and `pass`, and these facts in their data."""
    status_type = str(about.get("type"))
    channel = about.get("channel")
    if status_type.startswith(f"carillon.{INBOX}."):
        channel = Channel.IN_APP.value
    return Series(
        outcome=outcome_of(status_type, about.get("pass")),
        workflow=_name(about.get("workflow")),
        channel=None if channel is None else channel if channel in _CHANNELS else OTHER,
        provider=_name(about.get("provider")),
        variant=_name(about.get("variant")),
        locale=_name(about.get("locale")),
    )


def folded(series: Series) -> Series:
    """Where a series is counted that is one too many: outcome and channel stay, so their sums are right all the same."""
    return Series(series.outcome, OTHER, series.channel, OTHER, OTHER, OTHER)


def _name(value: object) -> str | None:
    if value is None:
        return None
    return value if isinstance(value, str) and 0 < len(value) <= MAX_NAME and value.isprintable() else OTHER
