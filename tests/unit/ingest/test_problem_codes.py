"""Every code that a refusal can carry has its section in docs/problems.md, with cause and fix."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "problems.md").read_text()
CODE = re.compile(r"[a-z]+(_[a-z]+)+")


def codes(path: Path) -> Iterator[str]:
    """Literal codes of every Problem(status, code, ...) and Invalid...(code, ...) in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            name = node.func.id
            at = 1 if name == "Problem" else 0 if name.startswith("Invalid") else None
            if at is None or len(node.args) <= at:
                continue
            if name == "Problem":
                assert not isinstance(node.args[at], ast.JoinedStr), f"{path}: a code that nobody can look up"
            if isinstance(node.args[at], ast.Constant):
                value = node.args[at].value
                if isinstance(value, str) and (name == "Problem" or CODE.fullmatch(value)):
                    yield value


def test_every_code_is_explained() -> None:
    used = {
        code: path
        for folder in ("services", "shared")
        for path in (ROOT / folder).rglob("*.py")
        for code in codes(path)
    }
    assert len(used) > 30
    sections = {part.split("\n", 1)[0]: part for part in PAGE.split("\n## ")[1:]}
    missing = {code: str(path.relative_to(ROOT)) for code, path in used.items() if code not in sections}
    assert missing == {}
    for code, section in sections.items():
        assert "**Cause.**" in section, code
        assert "**Fix.**" in section, code
