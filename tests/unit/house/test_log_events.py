"""Log events are snake_case: who searches a log for one finds it by its name."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
LEVELS = frozenset({"debug", "info", "warning", "error", "exception", "critical"})


def _events(tree: ast.AST) -> list[str]:
    return [
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in LEVELS
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "log"
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    ]


def test_log_events_are_snake_case() -> None:
    found = [
        (str(path.relative_to(ROOT)), event)
        for folder in ("services", "shared")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for event in _events(ast.parse(path.read_text()))
    ]
    assert len(found) > 20
    assert [row for row in found if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", row[1])] == []
