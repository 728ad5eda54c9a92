"""What a test key, or a tenant that is there for tests, may reach: everything runs, and nothing leaves but by this."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class SendMode(StrEnum):
    """How a delivery goes out."""

    LIVE = "live"
    SIMULATED = "simulated"
    """It is rendered, and counts as sent; nothing leaves."""
    REDIRECTED = "redirected"
    """It goes to the one address of its channel instead of its recipient's."""


class Staging(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What of a tenant is a test, and where it may go. Channels by name."""

    everything: bool = False
    """All of the tenant's; else what is sent by its test keys."""
    allow: dict[str, tuple[str, ...]] = {}
    """Addresses that are reached all the same; of e-mail `@domain` is all of a domain."""
    redirect: dict[str, str] = {}
    """One address for all the others."""


def mode_of(channel: str, address: str, *, test: bool, staging: Staging | None) -> tuple[SendMode, str]:
    """How something goes to an address of a channel, and to which. `test`: a test key sent it."""
    if not test and (staging is None or not staging.everything):
        return SendMode.LIVE, address
    if staging is not None:
        allowed = staging.allow.get(channel, ())
        if address in allowed or any(
            each.startswith("@") and address.lower().endswith(each.lower()) for each in allowed
        ):
            return SendMode.LIVE, address
        if (instead := staging.redirect.get(channel)) is not None:
            return SendMode.REDIRECTED, instead
    return SendMode.SIMULATED, address
