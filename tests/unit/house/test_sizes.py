"""A file is one idea: small ones by the median, none that nobody can overlook, and few untyped values."""

from __future__ import annotations

import re
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[3]
PRODUCT = ("carillon", "services", "shared", "sandbox")
MAX_LINES = 250
MAX_UNTYPED = 60
OTHER = re.compile(r"\bMOST_[A-Z]")
ANY = re.compile(r"\bAny\b")


def files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")) if path.stat().st_size]


def test_no_file_is_long_and_most_are_short() -> None:
    lines = {str(path.relative_to(ROOT)): path.read_text().count("\n") for path in files(*PRODUCT, "bench", "tests")}
    assert {name: count for name, count in lines.items() if count > MAX_LINES} == {}
    assert median(path.read_text().count("\n") for path in files(*PRODUCT)) <= 100


def test_a_bound_is_called_max() -> None:
    """One word for one idea."""
    other = {
        str(path.relative_to(ROOT)) for path in files(*PRODUCT, "bench", "tests") if OTHER.search(path.read_text())
    }
    assert not other


def test_values_are_typed_at_the_borders() -> None:
    """Of router, ingest and shared: what is left is what a library or a JSON decoder gives."""
    found = [
        line
        for path in files("services/router", "services/ingest", "shared")
        for line in path.read_text().splitlines()
        if ANY.search(line) and "import" not in line and not line.lstrip().startswith("#")
    ]
    assert len(found) <= MAX_UNTYPED
