"""Workflows: what to do about an event type. A YAML file in `catalog/`, published as a version."""

from __future__ import annotations

import re
from difflib import get_close_matches
from enum import StrEnum

import msgspec

from shared.model.channels import CHANNEL_SPECS, Channel
from shared.model.errors import InvalidWorkflow
from shared.model.notifications import Priority
from shared.model.steps import Step, check_available, check_steps

KEY = re.compile(r"[a-z0-9][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)*")


MAX_NAME = 100
"""Characters of a key or a category: they stand in ids, paths and preferences."""
_WORDS: dict[str, list[str]] = {"channels": list(Channel), "priority": list(Priority), "quiet": ["respect", "ignore"]}
DATA_PATH = re.compile(r"data(\.[^.\s]+)+")


class QuietPolicy(StrEnum):
    """Whether quiet hours hold this workflow's noisy channels."""

    RESPECT = "respect"
    IGNORE = "ignore"


_ByChannel = msgspec.defstruct(
    "_ByChannel",
    [(channel.value, spec.template | None, None) for channel, spec in CHANNEL_SPECS.items() if spec.template],
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
)


class Templates(_ByChannel):  # type: ignore[misc, valid-type]  # its fields are the rows of a table
    """The texts: a field per channel that has a template, None where the workflow has no text for it."""


class Workflow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One version of a workflow. Versions never change once published."""

    key: str
    steps: tuple[Step, ...]
    category: str
    on: tuple[str, ...] = ()
    """The event types that start it; none: only the notification API does."""
    recipients: str | None = None
    """Where an event names its recipients, as `data.recipient_ids`."""
    actor: str | None = None
    """Where an event names who did it, as `data.sender.id`; the actor never notifies itself."""
    priority: Priority = Priority.NORMAL
    critical: bool = False
    """Cannot be opted out of, and does not wait for quiet hours."""
    quiet: QuietPolicy = QuietPolicy.RESPECT
    expires_after_seconds: int = 86_400
    active: bool = True
    templates: Templates = Templates()
    version: int = 0
    """0 in a file; publishing numbers it."""

    @property
    def ignores_quiet_hours(self) -> bool:
        """Critical implies it."""
        return self.critical or self.quiet is QuietPolicy.IGNORE


def parse(document: object) -> Workflow:
    """The workflow of a YAML document. Raises InvalidWorkflow with a pointer."""
    if isinstance(document, dict):
        if "version" in document:
            raise InvalidWorkflow("invalid_workflow", "publishing numbers versions: leave it out", "/version")
        check_available(document.get("steps"))  # first: steps of a kind to come have fields that are unknown here
    try:
        workflow = msgspec.convert(document, Workflow)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `$")
        pointer = _pointer(path.rstrip("`"))
        raise InvalidWorkflow("invalid_workflow", text + _choices(text, pointer), pointer) from error
    except RecursionError as error:
        raise InvalidWorkflow("invalid_workflow", "it is nested too deep") from error
    _check_names(workflow)
    check_steps(workflow.steps)
    if workflow.on and not workflow.recipients:
        raise InvalidWorkflow("invalid_workflow", "`on` needs `recipients`: where does the event name them?", "/on")
    for name in ("recipients", "actor"):
        path = getattr(workflow, name)
        if path is not None and not DATA_PATH.fullmatch(path):
            raise InvalidWorkflow("invalid_workflow", "a path below data, as data.recipient_ids", f"/{name}")
    if not 1 <= workflow.expires_after_seconds <= 30 * 86_400:
        raise InvalidWorkflow("invalid_workflow", "expires_after_seconds: 1 to 2592000", "/expires_after_seconds")
    for step in workflow.steps:
        for channel in step.channels:
            if channel.spec.template is not None and getattr(workflow.templates, channel) is None:
                raise InvalidWorkflow("missing_template", f"templates.{channel} is missing", f"/templates/{channel}")
    return workflow


def _check_names(workflow: Workflow) -> None:
    if not KEY.fullmatch(workflow.key) or len(workflow.key) > MAX_NAME:
        detail = f"key must be dotted lower-case words, as chat.new_message, {MAX_NAME} characters at most"
        raise InvalidWorkflow("invalid_workflow", detail, "/key")
    if not (
        0 < len(workflow.category) <= MAX_NAME and workflow.category.isprintable() and "/" not in workflow.category
    ):
        detail = f"a category is 1 to {MAX_NAME} printable characters without /"
        raise InvalidWorkflow("invalid_workflow", detail, "/category")


def _choices(text: str, pointer: str) -> str:
    """What may stand there, and the likeliest, where a word is none of a few."""
    for name, words in _WORDS.items():
        if text.startswith("Invalid enum value") and f"/{name}" in pointer:
            wrong = text.partition("'")[2].rpartition("'")[0]
            likely = get_close_matches(wrong, words, n=1)
            return f": it is one of {', '.join(words)}" + (f"; did you mean {likely[0]}?" if likely else "")
    return ""


def _pointer(path: str) -> str:
    return re.sub(r"\[(?:\.\.\.|(\d+))\]", r"/\1", path.replace(".", "/"))
