"""Liquid templates of a workflow, read before it is published: a broken one never reaches a delivery."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from liquid import Environment
from liquid.exceptions import LiquidError

from shared.model.errors import InvalidWorkflow
from shared.model.templates import Text
from shared.model.workflows import Workflow


def check_templates(workflow: Workflow) -> None:
    """Raises InvalidWorkflow with a pointer to the first template that Liquid cannot read."""
    environment = Environment()
    for pointer, source in _sources(workflow):
        try:
            environment.from_string(source)
        except LiquidError as error:
            detail = f"{workflow.key}: not a Liquid template: {str(error).partition(chr(10))[0]}"
            raise InvalidWorkflow("invalid_template", detail, pointer) from error


def _sources(workflow: Workflow) -> Iterator[tuple[str, str]]:
    """Every template of every channel, with where it stands."""
    for channel, template in msgspec.structs.asdict(workflow.templates).items():
        texts: dict[str, Text | None] = msgspec.structs.asdict(template) if template else {}
        for name, text in texts.items():
            pointer = f"/templates/{channel}/{name}"
            if isinstance(text, dict):
                yield from ((f"{pointer}/{locale}", source) for locale, source in text.items())
            elif text:
                yield pointer, text
