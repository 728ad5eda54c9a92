"""The row of one published workflow version in MongoDB."""

from __future__ import annotations

from datetime import datetime
from typing import NotRequired, TypedDict

import msgspec

from shared.model import formats
from shared.model.timestamps import to_datetime
from shared.model.workflows import Workflow


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
        "body": msgspec.to_builtins(workflow),
        "created_at": to_datetime(now),
        **formats.stamp(workflow.format),  # type: ignore[typeddict-item]  # an int, where there is one
    }


def starts_on(row: WorkflowRow) -> list[str] | None:
    """The event types that start a workflow which only a newer version can read; None: it may be any."""
    body: object = row["body"]
    if not isinstance(body, dict):
        return None
    if body.get("active") is False:
        return []
    types = body.get("on", [])
    readable = isinstance(types, list) and all(isinstance(each, str) for each in types)
    return types if readable else None


def from_row(row: WorkflowRow) -> Workflow:
    """The workflow of a row. Raises NewerFormat when a newer version wrote it, msgspec.ValidationError when nobody did."""
    formats.check_row("workflow", row)
    return msgspec.convert(row["body"], Workflow)
