"""Which texts a delivery has, among those of its step, its variant and its workflow."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.step_order import walk
from shared.model.steps import ChannelStep
from shared.model.templates import NO_TEXTS, Text

if TYPE_CHECKING:
    from shared.model.workflows import Workflow


def texts_of(workflow: Workflow, step: str, variant: str | None, channel: Channel) -> msgspec.Struct | None:
    """The channel's template: the step's own, else the variant's, else the workflow's; None: there is none.

    A step or a variant that the workflow does not have has no texts.
    """
    for templates in _by_nearness(workflow, step, variant):
        template: msgspec.Struct | None = getattr(templates, channel, None)
        if template is not None:
            return template
    return None


def _by_nearness(workflow: Workflow, step: str, variant: str | None) -> Iterator[Templates]:
    found = workflow.order.step(step)
    if isinstance(found, ChannelStep) and found.templates is not None:
        yield found.templates
    if variant is not None:
        yield from (each.templates for each in workflow.variants if each.key == variant)
    yield workflow.templates


def every_text(workflow: Workflow) -> Iterator[tuple[str, Channel, msgspec.Struct]]:
    """Every template that the workflow has anywhere, with its JSON pointer."""
    places = [("/templates", workflow.templates)]
    places += [(f"/variants/{n}/templates", variant.templates) for n, variant in enumerate(workflow.variants)]
    places += [
        (f"{pointer}/templates", step.templates)
        for pointer, step in walk(workflow.steps)
        if isinstance(step, ChannelStep) and step.templates is not None
    ]
    for pointer, templates in places:
        for channel in Channel:
            template = getattr(templates, channel, None)
            if template is not None:
                yield f"{pointer}/{channel}", channel, template


def parts_of(template: msgspec.Struct) -> Iterator[tuple[str, Text]]:
    """Every text of a template, with where it stands in it: `title`, `parameters/0`, `button/url`."""
    for name in template.__struct_fields__:
        if name not in NO_TEXTS:
            yield from _texts_in(name, getattr(template, name))


def _texts_in(place: str, value: object) -> Iterator[tuple[str, Text]]:
    match value:
        case msgspec.Struct():
            yield from ((f"{place}/{name}", text) for name, text in parts_of(value))
        case tuple():
            for position, each in enumerate(value):
                yield from _texts_in(f"{place}/{position}", each)
        case str() | dict() if not isinstance(value, Enum):
            yield place, value
