"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

State = Annotated[
    Path, typer.Option("--state", envvar="CARILLON_STATE", help="Folder of the local stack: data, logs, stack.json.")
]
DEFAULT_STATE = Path(".carillon")
