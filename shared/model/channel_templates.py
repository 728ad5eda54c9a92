"""The texts of a workflow or of a step: for each channel that has a template, its parts."""

from __future__ import annotations

import msgspec

from shared.model.channels import CHANNEL_SPECS

_ByChannel = msgspec.defstruct(
    "_ByChannel",
    [(channel.value, spec.template | None, None) for channel, spec in CHANNEL_SPECS.items() if spec.template],
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,  # an older version knows nothing of a channel that came since, not even that it has no text
)


class Templates(_ByChannel):  # type: ignore[misc, valid-type]  # its fields are the rows of a table
    """The texts: a field per channel that has a template, None where there is no text for it."""


class Variant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Other texts for a share of the notifications: `weight` of the weights of all variants together."""

    key: str
    weight: int = 1
    templates: Templates = Templates()
    """What is not here is the workflow's."""
