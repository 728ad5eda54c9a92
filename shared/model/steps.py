"""The steps of a workflow."""

from __future__ import annotations

import msgspec

from shared.model.channels import Channel


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Channels that are tried together."""

    channels: tuple[Channel, ...]
