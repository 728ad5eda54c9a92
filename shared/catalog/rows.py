"""The row of one published workflow version in MongoDB."""

from __future__ import annotations

from typing import Any

import msgspec

from shared.model.workflows import Workflow


def _workflow(row: dict[str, Any]) -> Workflow:
    return msgspec.convert(row["body"], Workflow)
