"""The workflows that the form offers: those of the catalog that reach an inbox, each with an example of its data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from shared.model.channels import Channel
from shared.model.notifications import Priority
from shared.model.step_order import walk
from shared.model.steps import ChannelStep
from shared.model.workflows import Workflow

FILE: Final = Path(__file__).with_name("examples.yaml")


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One workflow, as somebody chooses it."""

    key: str
    category: str
    channels: list[Channel]
    priority: Priority
    critical: bool
    example: dict[str, Any]


def offers(workflows: Iterable[Workflow], examples: Mapping[str, dict[str, Any]]) -> list[Offer]:
    """Those that may be seen in an inbox, in order."""
    found = []
    for workflow in sorted(workflows, key=lambda one: one.key):
        channels = _channels(workflow)
        if workflow.active and Channel.IN_APP in channels:
            found.append(
                Offer(
                    key=workflow.key,
                    category=workflow.category,
                    channels=channels,
                    priority=workflow.priority,
                    critical=workflow.critical,
                    example=examples.get(workflow.key, {}),
                )
            )
    return found


def read_examples() -> dict[str, dict[str, Any]]:
    """Data by workflow."""
    return dict(yaml.safe_load(FILE.read_text()))


def _channels(workflow: Workflow) -> list[Channel]:
    steps = (step for _, step in walk(workflow.steps) if isinstance(step, ChannelStep))
    return list(dict.fromkeys(channel for step in steps for channel in step.channels))
