"""Workflows: what to do about an event type. A YAML file in `catalog/`, published as a version."""

from __future__ import annotations

import re
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Final

import msgspec

from shared.model import formats
from shared.model.channel_templates import Templates, Variant
from shared.model.channels import Channel
from shared.model.conditions import Condition
from shared.model.data_schemas import compile_schema
from shared.model.errors import InvalidWorkflow
from shared.model.event_types import ANY_BELOW
from shared.model.notifications import Priority
from shared.model.step_asks import Asks, asks_of
from shared.model.step_order import StepOrder, walk
from shared.model.steps import ChannelChoice, ChannelStep, Step, StepKind
from shared.model.templates import ParseMode, format_of
from shared.model.workflow_checks import workflow_faults
from shared.model.workflow_recipients import Audience

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

_WORDS: dict[str, list[str]] = {
    "channels": list(Channel),
    "priority": list(Priority),
    "quiet": ["respect", "ignore"],
    "kind": list(StepKind),
    "deliver": list(ChannelChoice),
    "parse_mode": list(ParseMode),
}
STEPS_SINCE: Final = 2
"""The format of workflows that use more than one step with all of its channels."""


class QuietPolicy(StrEnum):
    """Whether quiet hours hold this workflow's noisy channels."""

    RESPECT = "respect"
    IGNORE = "ignore"


class OutagePolicy(StrEnum):
    """What becomes of its deliveries while none of a channel's providers answers."""

    PARK = "park"
    """They wait; no attempt is used up."""
    ATTEMPT = "attempt"
    """Each try is an attempt, so that they end by the schedule of retries."""


class Workflow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, dict=True):
    """One version of a workflow. Versions never change once published."""

    key: str
    steps: tuple[Step, ...]
    category: str
    on: tuple[str, ...] = ()
    """The event types that start it, exact or, with `.*` at the end, all that begin so; none: only the notification API does."""
    when: Condition | None = None
    """What must hold of an event's data for the event to start it."""
    recipients: str | Audience | None = None
    """Where an event names its recipients, as `data.recipient_ids`; or an audience."""
    actor: str | None = None
    """Where an event names who did it, as `data.sender.id`; the actor never notifies itself."""
    priority: Priority = Priority.NORMAL
    critical: bool = False
    """Cannot be opted out of, and does not wait for quiet hours."""
    quiet: QuietPolicy = QuietPolicy.RESPECT
    expires_after_seconds: int = 86_400
    max_retries: int | None = None
    """So many attempts at the most follow one that failed; None: as many as the channel's schedule has."""
    outage: OutagePolicy = OutagePolicy.PARK
    active: bool = True
    templates: Templates = Templates()
    variants: tuple[Variant, ...] = ()
    collapse_key: str | None = None
    """Where an event names what it is about, as `data.booking_id`: a newer one replaces what is held or unread."""
    receipts: bool = False
    """Whether a status tells when an inbox item of it first reached a socket."""
    data_schema: dict[str, object] | None = msgspec.field(name="schema", default=None)
    """The JSON Schema (2020-12) of its data."""
    version: int = 0
    """0 in a file; publishing numbers it."""

    @property
    def ignores_quiet_hours(self) -> bool:
        """Critical implies it."""
        return self.critical or self.quiet is QuietPolicy.IGNORE

    @cached_property
    def order(self) -> StepOrder:
        """What follows each step."""
        return StepOrder(self.steps)

    @cached_property
    def validator(self) -> Draft202012Validator | None:
        """What checks its data by its schema, compiled once; None: it has none. Nothing fits one that is broken."""
        if self.data_schema is None:
            return None
        try:
            return compile_schema(self.data_schema)
        except InvalidWorkflow:  # a row that nobody checked, or that another version of the library took
            return compile_schema(False)  # the schema of nothing

    @cached_property
    def asks(self) -> frozenset[Asks]:
        """What is read for its runs."""
        return asks_of(self.steps)

    @cached_property
    def is_plain(self) -> bool:
        """One step that sends on all of its channels, and nothing else: it has no run."""
        step = self.steps[0]
        return len(self.steps) == 1 and isinstance(step, ChannelStep) and step.when is None

    @cached_property
    def shows_several(self) -> bool:
        """More than one of its steps puts an item into the inbox."""
        every = [step for _, step in walk(self.steps) if isinstance(step, ChannelStep)]
        return sum(Channel.IN_APP in step.channels for step in every) > 1

    @cached_property
    def format(self) -> int:
        """The smallest that reads it: that of the newest channel that it names, and of what else it uses."""
        every = [step for _, step in walk(self.steps)]
        since = [channel.spec.since for step in every if isinstance(step, ChannelStep) for channel in step.channels]
        plain = self.is_plain and self.steps[0] == ChannelStep(key=self.steps[0].key, channels=self.channels)
        uses_more = (
            not plain
            or self.when is not None
            or self.variants
            or self.collapse_key is not None
            or self.data_schema is not None
            or self.max_retries is not None
            or self.outage is not OutagePolicy.PARK
            or self.receipts
            or isinstance(self.recipients, Audience)
            or (self.recipients is not None and "[" in self.recipients)
            or any(each.endswith(ANY_BELOW) for each in self.on)
        )
        texts = [format_of(getattr(self.templates, channel, None)) for channel in Channel]
        return max([STEPS_SINCE if uses_more else formats.OLDEST, *since, *texts])

    @cached_property
    def channels(self) -> tuple[Channel, ...]:
        """Every channel that one of its steps sends on, in the order of the steps."""
        every = (step.channels for _, step in walk(self.steps) if isinstance(step, ChannelStep))
        return tuple(dict.fromkeys(channel for channels in every for channel in channels))


def parse(document: object) -> Workflow:
    """The workflow of a YAML document. Raises InvalidWorkflow with a pointer."""
    if isinstance(document, dict) and "version" in document:
        raise InvalidWorkflow("invalid_workflow", "publishing numbers versions: leave it out", "/version")
    try:
        workflow = msgspec.convert(with_kinds(document), Workflow)
    except msgspec.ValidationError as error:
        raise conversion_fault(error) from error
    except RecursionError as error:
        raise InvalidWorkflow("invalid_workflow", "it is nested too deep") from error
    for fault in workflow_faults(workflow):
        raise fault
    return workflow


def with_kinds(document: object) -> object:
    """The document with the kind of every step that does not say it: a step is of kind `channel` unless it says otherwise."""
    if not isinstance(document, dict):
        return document
    found = dict(document)
    for name in ("steps", "otherwise"):
        if isinstance(found.get(name), list):
            found[name] = [
                with_kinds({"kind": StepKind.CHANNEL.value, **step} if isinstance(step, dict) else step)
                for step in found[name]
            ]
    if isinstance(found.get("branches"), list):
        found["branches"] = [with_kinds(branch) for branch in found["branches"]]
    return found


def conversion_fault(error: msgspec.ValidationError, below: str = "") -> InvalidWorkflow:
    """What msgspec says of a value, with a pointer; `below`: where the value stands."""
    text, _, path = str(error).partition(" - at `$")
    pointer = below + _pointer(path.rstrip("`"))
    return InvalidWorkflow("invalid_workflow", text + _choices(text, pointer), pointer)


def _choices(text: str, pointer: str) -> str:
    """What may stand there, and the likeliest, where a word is none of a few."""
    for name, words in _WORDS.items():
        if text.startswith(("Invalid enum value", "Invalid value")) and f"/{name}" in pointer:
            wrong = text.partition("'")[2].rpartition("'")[0]
            likely = get_close_matches(wrong, words, n=1)
            return f": it is one of {', '.join(words)}" + (f"; did you mean {likely[0]}?" if likely else "")
    return ""


def _pointer(path: str) -> str:
    return re.sub(r"\[(?:\.\.\.|(\d+))\]", r"/\1", path.replace(".", "/"))
