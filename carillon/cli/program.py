"""This program as its user called it, for hints that can be pasted."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

NAME: Final = "carillon"
_COMMAND: Final = re.compile(r"(?<![\w./-])carillon (?=[a-z])")


def program() -> str:
    """`carillon` where the shell finds it, else what was typed: `.venv/bin/carillon`, `python -m carillon`."""
    return as_called(sys.argv[0], sys.orig_argv, shutil.which(NAME))


def pasteable(hint: str) -> str:
    """A hint with its commands as they can be pasted here."""
    return _COMMAND.sub(lambda _: f"{program()} ", hint)


def as_called(script: str, argv: Sequence[str], on_path: str | None) -> str:
    """The program's name in a hint: from the script that runs, the whole command line, what PATH has."""
    if script.endswith("__main__.py"):
        return f"{argv[0]} -m {NAME}"
    if Path(script).name != NAME or script == on_path:
        return NAME
    return script
