"""Services that are broken on purpose, in memory alone: nothing of the product knows of it."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

SHIM = Path(__file__).parent / "broken_process"


def broken(names: Collection[str]) -> dict[str, str]:
    """The environment of a process that is broken by these (`room/name`); nothing of it where there are none."""
    if not names:
        return {}
    path = os.pathsep.join([str(SHIM), os.environ.get("PYTHONPATH", "")])
    return {"BROKEN_BY": "\n".join(names), "PYTHONPATH": path.rstrip(os.pathsep)}
