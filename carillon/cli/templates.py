"""Liquid templates of a workflow, read before it is published: a broken one never reaches a delivery."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, Final

from liquid.exceptions import FilterArgumentError, LiquidError
from liquid.static_analysis import Variable
from liquid.template import BoundTemplate

from services.delivery.rendering.liquid import RENDER_FAILURES, environment
from services.delivery.rendering.mjml import compile_mjml
from shared.model.errors import InvalidWorkflow
from shared.model.templates import MAX_BUTTONS, InAppTemplate
from shared.model.texts import every_text, parts_of
from shared.model.workflows import Workflow

_TAG = re.compile(r"([A-Za-z]{2,8}|[Xx](?=-))(-[A-Za-z0-9]{1,8})*")
"""The shape of a BCP 47 tag, extensions and private parts included."""


_ACTION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
ENVIRONMENT: Final = environment()
ROOTS: Final[dict[str, tuple[str, ...]]] = {
    "data": (),
    "digest": ("count", "items"),
    "user": ("id", "name"),
    "actor": (),
    "workflow": (),
    "event": ("id", "type"),
    "tenant": ("id", "name", "brand"),
}
"""What `services.delivery.rendering.liquid.context` gives; without fields: they are the event's, or it is a text."""
EXAMPLE: Final = "2026-01-02"
"""A text that filters for dates, numbers and texts take."""


def check_templates(workflow: Workflow) -> None:
    """Raises InvalidWorkflow with a pointer to the first template that cannot be right, or the first wrong locale."""
    for fault in template_faults(workflow):
        raise fault


def template_faults(workflow: Workflow) -> Iterator[InvalidWorkflow]:
    """Everything that is wrong with the texts of a workflow, of its steps and its variants, each with a pointer."""
    yield from _locale_faults(workflow)
    yield from _markup_faults(workflow)
    yield from _button_faults(workflow)
    for pointer, source in sources(workflow):
        try:
            template = ENVIRONMENT.from_string(source)
        except (LiquidError, RecursionError) as error:
            detail = f"{workflow.key}: not a Liquid template: {str(error).partition(chr(10))[0]}"
            yield InvalidWorkflow("invalid_template", detail, pointer)
            continue
        if wrong := _wrong_names(template) or _wrong_arguments(template):
            yield InvalidWorkflow("invalid_template", f"{workflow.key}: {wrong}", pointer)


def _wrong_names(template: BoundTemplate) -> str | None:
    """The first variable or filter that no template has; elsewhere it would be an empty text."""
    found = template.analyze(include_partials=False)
    for name in found.filters:
        if name not in ENVIRONMENT.filters:
            return f"there is no filter {name!r}{_likely(name, ENVIRONMENT.filters)}"
    for root, uses in found.globals.items():
        if root not in ROOTS:
            return f"there is no {root!r}{_likely(root, ROOTS)}: a template sees {', '.join(ROOTS)}"
        for use in uses:
            field = use.segments[1] if len(use.segments) > 1 else None
            if ROOTS[root] and field not in ROOTS[root] and isinstance(field, str):
                return f"there is no {root}.{field}{_likely(field, ROOTS[root])}: {root} has {', '.join(ROOTS[root])}"
    return None


def _wrong_arguments(template: BoundTemplate) -> str | None:
    """What a filter says that is given too few or too many arguments, rendered with a text wherever data is asked for."""
    found = template.analyze(include_partials=False).globals
    values: dict[str, Any] = {
        name: dict.fromkeys(fields, EXAMPLE) if fields else EXAMPLE for name, fields in ROOTS.items()
    }
    data = _example(found.get("data", ()))
    values |= {"data": data, "digest": {"count": 1, "items": [data]}}
    if brand := _example(found.get("tenant", ())):  # what it is dressed in has names of its own
        values["tenant"] = {**values.get("tenant", {}), **brand}
    try:
        template.render(**values)
    except FilterArgumentError as error:
        text = str(error).partition(chr(10))[0]
        return text if "argument" in text else None  # another value may do
    except RENDER_FAILURES:
        return None  # the example is a guess
    return None


def _example(uses: Iterable[Variable]) -> dict[str, Any]:
    """An object with a text at each of the paths."""
    made: dict[str, Any] = {}
    for use in uses:
        here = made
        *above, last = [part for part in use.segments[1:] if isinstance(part, str)] or ["_"]
        for part in above:
            here[part] = here = here[part] if isinstance(here.get(part), dict) else {}
        here.setdefault(last, EXAMPLE)
    return made


def _likely(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _locale_faults(workflow: Workflow) -> Iterator[InvalidWorkflow]:
    """Tags, each once whatever its case; and one that all parts of a message have, as no message mixes two."""
    for at, _, template in every_text(workflow):
        tables = {name: text for name, text in parts_of(template) if isinstance(text, dict)}
        for name, table in tables.items():
            pointer = f"{at}/{name}"
            for tag in table:
                if not _TAG.fullmatch(tag):
                    detail = f"{workflow.key}: {tag[:40]!r} is no language tag: write it as en or pt-BR"
                    yield InvalidWorkflow("invalid_locale", detail, f"{pointer}/{tag}")
            if not table or len({tag.lower() for tag in table}) < len(table):
                yield InvalidWorkflow(
                    "invalid_locale", f"{workflow.key}: one text for each locale, at least one", pointer
                )
        tags = [{tag.lower() for tag in table} for table in tables.values()]
        if tags and not set.intersection(*tags):
            detail = f"{workflow.key}: {', '.join(tables)} have no locale in common: a message is in one language"
            yield InvalidWorkflow("no_common_locale", detail, at)


def sources(workflow: Workflow) -> Iterator[tuple[str, str]]:
    """Every template of every channel, with where it stands."""
    for at, _, template in every_text(workflow):
        for name, text in parts_of(template):
            pointer = f"{at}/{name}"
            if isinstance(text, dict):
                yield from ((f"{pointer}/{locale}", source) for locale, source in text.items())
            else:
                yield pointer, text


def _markup_faults(workflow: Workflow) -> Iterator[InvalidWorkflow]:
    """MJML that does not become HTML, and a message that has both."""
    for at, _, template in every_text(workflow):
        text = getattr(template, "mjml", None)
        if text is None:
            continue
        if getattr(template, "html", None) is not None:
            yield InvalidWorkflow(
                "invalid_template", f"{workflow.key}: `mjml` becomes `html`: one of them", f"{at}/mjml"
            )
        for locale, source in text.items() if isinstance(text, dict) else [("", text)]:
            try:
                compile_mjml(source)
            except LiquidError as error:
                detail = f"{workflow.key}: {str(error).partition(chr(10))[0]}"
                yield InvalidWorkflow("invalid_template", detail, f"{at}/mjml/{locale}".rstrip("/"))


def _button_faults(workflow: Workflow) -> Iterator[InvalidWorkflow]:
    """More buttons than clients show, and those that do nothing, or two things."""
    for at, _, template in every_text(workflow):
        if not isinstance(template, InAppTemplate):
            continue
        if len(template.buttons) > MAX_BUTTONS:
            detail = f"{workflow.key}: {len(template.buttons)} buttons; at most {MAX_BUTTONS}"
            yield InvalidWorkflow("invalid_template", detail, f"{at}/buttons")
        for number, button in enumerate(template.buttons):
            if (button.url is None) is (button.action is None):
                detail = f"{workflow.key}: a button has `url` or `action`"
                yield InvalidWorkflow("invalid_template", detail, f"{at}/buttons/{number}")
            elif button.action is not None and not _ACTION.fullmatch(button.action):
                detail = f"{workflow.key}: an action is a name, as order.confirm: letters, digits and . _ -, 64 at most"
                yield InvalidWorkflow("invalid_template", detail, f"{at}/buttons/{number}/action")
