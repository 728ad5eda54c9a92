"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def _a_folder(state: Path) -> Path:
    """The state folder, which need not be there yet. Raises what typer shows as wrong usage."""
    for place in (state, *state.parents):
        if place.exists() and not place.is_dir():
            raise typer.BadParameter(f"{place} is a file, not a folder; name another: --state FOLDER, CARILLON_STATE")
    return state


State = Annotated[
    Path,
    typer.Option(
        "--state",
        envvar="CARILLON_STATE",
        help="Folder of the local stack: data, logs, stack.json.",
        callback=_a_folder,
    ),
]
DEFAULT_STATE = Path(".carillon")
