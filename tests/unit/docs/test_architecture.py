"""The page that walks one notification names files that are there, each once."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
WALK = PAGE[PAGE.index("## One notification, file by file") : PAGE.index("## Where things are")]
ROW = re.compile(r"^\| \d+ \| `([^`]+)` \|", re.MULTILINE)


def test_each_file_of_the_walk_is_there_and_stands_once() -> None:
    named = ROW.findall(WALK)
    assert len(named) > 25
    assert [name for name in named if not (ROOT / name).is_file()] == []
    assert [name for name, count in Counter(named).items() if count > 1] == []


def test_every_path_on_the_page_is_there() -> None:
    paths = set(re.findall(r"`((?:services|shared|carillon|tests|bench|deploy|docs)/[\w./]*)`", PAGE))
    assert len(paths) > 35
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []
