"""Workflows that the platform has of its own: nobody publishes them, and nobody can publish one of their names."""

from __future__ import annotations

from typing import Final

from shared.model.channels import Channel
from shared.model.steps import ChannelStep
from shared.model.workflows import Workflow

STATUSES: Final = Workflow(
    key="carillon.statuses",
    category="carillon",
    critical=True,
    expires_after_seconds=7 * 86_400,
    steps=(ChannelStep(key="push", channels=(Channel.WEBHOOK,)),),
    version=1,
)
"""Takes statuses to those who asked for them."""
OWN: Final = {(each.key, each.version): each for each in (STATUSES,)}
