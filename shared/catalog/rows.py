"""The row of one published workflow version in MongoDB."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

import msgspec

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
    }


def from_row(row: WorkflowRow) -> Workflow:
    """The workflow of a row. Raises msgspec.ValidationError when a newer release wrote it."""
    return msgspec.convert(row["body"], Workflow)
