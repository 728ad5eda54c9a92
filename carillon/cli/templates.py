"""Liquid templates of a workflow, read before it is published: a broken one never reaches a delivery."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
from liquid import Environment
from liquid.exceptions import LiquidError

from shared.model.errors import InvalidWorkflow
from shared.model.templates import Text
from shared.model.workflows import Workflow

_TAG = re.compile(r"([A-Za-z]{2,8}|[Xx](?=-))(-[A-Za-z0-9]{1,8})*")
"""The shape of a BCP 47 tag, extensions and private parts included."""


def check_templates(workflow: Workflow) -> None:
    """Raises InvalidWorkflow with a pointer to the first template that Liquid cannot read, or the first wrong locale."""
    _check_locales(workflow)
    environment = Environment()
    for pointer, source in _sources(workflow):
        try:
            environment.from_string(source)
        except LiquidError as error:
            detail = f"{workflow.key}: not a Liquid template: {str(error).partition(chr(10))[0]}"
            raise InvalidWorkflow("invalid_template", detail, pointer) from error


def _check_locales(workflow: Workflow) -> None:
    """Tags, each once whatever its case; and one that all parts of a message have, as no message mixes two."""
    for channel, template in msgspec.structs.asdict(workflow.templates).items():
        texts: dict[str, Text | None] = msgspec.structs.asdict(template) if template else {}
        tables = {name: text for name, text in texts.items() if isinstance(text, dict)}
        for name, table in tables.items():
            pointer = f"/templates/{channel}/{name}"
            for tag in table:
                if not _TAG.fullmatch(tag):
                    detail = f"{workflow.key}: {tag[:40]!r} is no language tag: write it as en or pt-BR"
                    raise InvalidWorkflow("invalid_locale", detail, f"{pointer}/{tag}")
            if not table or len({tag.lower() for tag in table}) < len(table):
                raise InvalidWorkflow(
                    "invalid_locale", f"{workflow.key}: one text for each locale, at least one", pointer
                )
        tags = [{tag.lower() for tag in table} for table in tables.values()]
        if tags and not set.intersection(*tags):
            detail = f"{workflow.key}: {', '.join(tables)} have no locale in common: a message is in one language"
            raise InvalidWorkflow("no_common_locale", detail, f"/templates/{channel}")


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
