"""The row of one published workflow version in MongoDB."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NotRequired, TypedDict

import msgspec

from shared.model import formats
from shared.model.event_types import ANY_BELOW
from shared.model.timestamps import to_datetime
from shared.model.workflows import Workflow

_PREFIX: Final = "prefix"


class WorkflowRow(TypedDict):
    """One version; it never changes. `_id` is `tenant:key:version`, `body` the workflow as builtins."""

    _id: str
    tenant: str
    key: str
    version: int
    body: dict[str, object]
    created_at: datetime
    format: NotRequired[int]


def row_id(tenant: str, key: str, version: int) -> str:
    """`tenant:key:version`."""
    return f"{tenant}:{key}:{version}"


def to_row(tenant: str, workflow: Workflow, now: int) -> WorkflowRow:
    """The row of a numbered workflow; `now` in milliseconds since the epoch."""
    return {
        "_id": row_id(tenant, workflow.key, workflow.version),
        "tenant": tenant,
        "key": workflow.key,
        "version": workflow.version,
        "body": _body(workflow),
        "created_at": to_datetime(now),
        **formats.stamp(workflow.format),  # type: ignore[typeddict-item]  # an int, where there is one
    }


def starts_on(row: WorkflowRow) -> list[str] | None:
    """The event types, exact or with `.*`, that start a workflow which only a newer version can read; None: it may be any."""
    body: object = row["body"]
    if not isinstance(body, dict):
        return None
    if body.get("active") is False:
        return []
    types = _types(body.get("on", []))
    return None if types is None or any("*" in each.removesuffix(ANY_BELOW) for each in types) else types


def from_row(row: WorkflowRow) -> Workflow:
    """The workflow of a row. Raises NewerFormat when a newer version wrote it, msgspec.ValidationError when nobody did."""
    formats.check_row("workflow", row)
    body = row["body"]
    types = _types(body.get("on", []))
    return msgspec.convert(body if types is None else body | {"on": types}, Workflow)


def _body(workflow: Workflow) -> dict[str, object]:
    """The workflow as builtins, a prefix of event types as an object.

    Versions that know no prefixes (format 1) would take a text for the exact type, and not wait for a newer one; of what
    is no text they know that they cannot know.
    """
    body: dict[str, object] = msgspec.to_builtins(workflow)
    if any(each.endswith(ANY_BELOW) for each in workflow.on):
        body["on"] = [{_PREFIX: each} if each.endswith(ANY_BELOW) else each for each in workflow.on]
    return body


def _types(stored: object) -> list[str] | None:
    """What `on` says in a row; None: something that this version does not know."""
    if not isinstance(stored, list):
        return None
    found = [each.get(_PREFIX) if isinstance(each, dict) and len(each) == 1 else each for each in stored]
    types = [each for each in found if isinstance(each, str)]
    return types if len(types) == len(stored) else None
