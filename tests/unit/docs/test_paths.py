"""What a page or a docstring names as a file of the project is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
FOLDERS = "services|shared|carillon|tests|bench|deploy|docs|sandbox|catalog"
PATH = re.compile(rf"`((?:{FOLDERS})/[\w./-]*\w)(?::[^`]*)?`")
TO_COME = {"services/delivery/channels/<name>", "deploy/k8s/base/delivery-<name>.yaml"}


def texts() -> list[Path]:
    pages = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "catalog").rglob("*.md"),
    ]
    code = [path for folder in ("services", "shared", "carillon", "sandbox") for path in (ROOT / folder).rglob("*.py")]
    return pages + code


def test_every_path_that_is_named_is_there() -> None:
    named = {(path, name) for path in texts() for name in PATH.findall(path.read_text())}
    assert len(named) > 80
    missing = sorted(f"{path.relative_to(ROOT)}: {name}" for path, name in named if not (ROOT / name).exists())
    assert missing == []
