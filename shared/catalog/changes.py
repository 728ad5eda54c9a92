"""What differs between two versions of a workflow, in a few words (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from shared.model.channels import Channel
from shared.model.step_order import walk
from shared.model.workflows import Workflow

MAX_SHOWN: Final = 40
"""Characters of a value; a longer one is only said to have changed."""
_APART: Final = ("key", "version", "steps", "templates")


def changes(before: Workflow, after: Workflow) -> list[str]:
    """`priority: normal → high`, `+ step remind`, `templates.email`; none where nothing differs."""
    return [*_fields(before, after), *_steps(before, after), *_templates(before, after)]


def _fields(before: Workflow, after: Workflow) -> Iterator[str]:
    for field in msgspec.structs.fields(Workflow):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if field.name in _APART or old == new:
            continue
        shown = f"{field.encode_name}: {_short(old)} → {_short(new)}"
        yield shown if len(shown) <= 2 * MAX_SHOWN else field.encode_name


def _steps(before: Workflow, after: Workflow) -> Iterator[str]:
    old, new = ({step.key: step for _, step in walk(each.steps)} for each in (before, after))
    yield from (f"+ step {key}" for key in new if key not in old)
    yield from (f"- step {key}" for key in old if key not in new)
    kept = [key for key in new if key in old]
    yield from (f"step {key}" for key in kept if old[key] != new[key])
    if kept != [key for key in old if key in new]:
        yield "the order of the steps"


def _templates(before: Workflow, after: Workflow) -> Iterator[str]:
    for channel in Channel:
        if getattr(before.templates, channel, None) != getattr(after.templates, channel, None):
            yield f"templates.{channel}"


def _short(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value)
