"""What must hold of a workflow before it is published, beyond the shape of its file: every mistake, in its order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from shared.model.channels import Channel
from shared.model.conditions import check_condition
from shared.model.data_schemas import check_schema
from shared.model.errors import InvalidWorkflow, faults_of
from shared.model.event_types import check_event_type
from shared.model.notifications import MAX_RETRIES
from shared.model.step_checks import DATA_PATH, step_faults
from shared.model.step_order import walk
from shared.model.steps import ChannelStep
from shared.model.template_checks import part_faults
from shared.model.texts import every_text
from shared.model.workflow_recipients import RECIPIENTS_PATH, Audience, check_audience

if TYPE_CHECKING:
    from shared.model.workflows import Workflow

KEY: Final = re.compile(r"[a-z0-9][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)*")
MAX_NAME: Final = 100
"""Characters of a key or a category: they stand in ids, paths and preferences."""
RESERVED: Final = "carillon."
"""What the keys of the platform's own workflows begin with."""
MAX_EXPIRY_SECONDS: Final = 30 * 86_400
MAX_EVENT_TYPES: Final = 100
MAX_VARIANTS: Final = 20
MAX_WEIGHT: Final = 1_000_000


def workflow_faults(workflow: Workflow) -> Iterator[InvalidWorkflow]:
    """Everything that is wrong with it, each with a pointer."""
    for check in (_names, _start, _paths, _texts):
        yield from check(workflow)
    yield from step_faults(workflow.steps)
    if workflow.data_schema is not None:
        yield from faults_of(check_schema, workflow.data_schema)
    if not 1 <= workflow.expires_after_seconds <= MAX_EXPIRY_SECONDS:
        yield _fault(f"expires_after_seconds: 1 to {MAX_EXPIRY_SECONDS}", "/expires_after_seconds")
    if workflow.max_retries is not None and not 0 <= workflow.max_retries <= MAX_RETRIES:
        yield _fault(f"max_retries: 0 to {MAX_RETRIES}", "/max_retries")
    if workflow.receipts and Channel.IN_APP not in workflow.channels:
        yield _fault("receipts are of inbox items, and no step sends on in_app", "/receipts")


def _fault(detail: str, pointer: str) -> InvalidWorkflow:
    return InvalidWorkflow("invalid_workflow", detail, pointer)


def _names(workflow: Workflow) -> Iterator[InvalidWorkflow]:
    if not KEY.fullmatch(workflow.key) or len(workflow.key) > MAX_NAME:
        detail = f"key must be dotted lower-case words, as chat.new_message, {MAX_NAME} characters at most"
        yield _fault(detail, "/key")
    if workflow.key.startswith(RESERVED):
        yield _fault(f"{RESERVED}… is the platform's own", "/key")
    category = workflow.category
    if not (0 < len(category) <= MAX_NAME and category.isprintable() and "/" not in category):
        yield _fault(f"a category is 1 to {MAX_NAME} printable characters without /", "/category")


def _start(workflow: Workflow) -> Iterator[InvalidWorkflow]:
    if len(workflow.on) > MAX_EVENT_TYPES:
        yield _fault(f"{len(workflow.on)} event types; at most {MAX_EVENT_TYPES}", "/on")
    for position, event_type in enumerate(workflow.on):
        yield from faults_of(check_event_type, event_type, f"/on/{position}")
        if event_type in workflow.on[:position]:
            yield _fault(f"{event_type[:60]!r} stands twice", f"/on/{position}")
    if workflow.on and not workflow.recipients:
        yield _fault("`on` needs `recipients`: where does the event name them?", "/on")
    if workflow.when is not None:
        yield from faults_of(check_condition, workflow.when, "/when", ("data", "event"))


def _paths(workflow: Workflow) -> Iterator[InvalidWorkflow]:
    if isinstance(workflow.recipients, Audience):
        yield from faults_of(check_audience, workflow.recipients)
    elif workflow.recipients is not None and not RECIPIENTS_PATH.fullmatch(workflow.recipients):
        yield _fault("a path below data, as data.recipient_ids or data.members[*].id", "/recipients")
    for name, path in (("actor", workflow.actor), ("collapse_key", workflow.collapse_key)):
        if path is not None and not DATA_PATH.fullmatch(path):
            yield _fault("a path below data, as data.sender.id", f"/{name}")


def _texts(workflow: Workflow) -> Iterator[InvalidWorkflow]:
    if len(workflow.variants) > MAX_VARIANTS:
        yield _fault(f"{len(workflow.variants)} variants; at most {MAX_VARIANTS}", "/variants")
    keys = [variant.key for variant in workflow.variants]
    for position, variant in enumerate(workflow.variants):
        if not 0 < variant.weight <= MAX_WEIGHT or keys.count(variant.key) > 1 or not KEY.fullmatch(variant.key):
            detail = f"a variant has a key of its own and a weight of 1 to {MAX_WEIGHT}"
            yield _fault(detail, f"/variants/{position}")
    for at, _, template in every_text(workflow):
        for part, detail in part_faults(template):
            yield _fault(detail, f"{at}/{part}".rstrip("/"))
    missing: set[str] = set()
    for pointer, step in walk(workflow.steps):
        if not isinstance(step, ChannelStep):
            continue
        for channel in step.channels:
            texts = (step.templates or workflow.templates, workflow.templates)
            if channel.spec.template is None or channel in missing:
                continue
            if not any(getattr(each, channel) for each in texts):
                missing.add(channel)
                detail = f"templates.{channel} is missing, for the step at {pointer}"
                yield InvalidWorkflow("missing_template", detail, f"/templates/{channel}")
