"""A file is one idea: small ones by the median, none that nobody can overlook, and few untyped values."""

from __future__ import annotations

import re
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[3]
PRODUCT = ("carillon", "services", "shared", "sandbox")
MOST_LINES = 250
MOST_UNTYPED = 60
ANY = re.compile(r"\bAny\b")


def files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")) if path.stat().st_size]


def test_no_file_is_long_and_most_are_short() -> None:
    lines = {str(path.relative_to(ROOT)): path.read_text().count("\n") for path in files(*PRODUCT, "bench", "tests")}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}
    assert median(path.read_text().count("\n") for path in files(*PRODUCT)) <= 100


def test_values_are_typed_at_the_borders() -> None:
    """Of router, ingest and shared: what is left is what a library or a JSON decoder gives."""
    found = [
        line
        for path in files("services/router", "services/ingest", "shared")
        for line in path.read_text().splitlines()
        if ANY.search(line) and "import" not in line and not line.lstrip().startswith("#")
    ]
    assert len(found) <= MOST_UNTYPED
