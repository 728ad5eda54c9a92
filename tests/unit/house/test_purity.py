"""Purity is a folder: `shared/model` and every `core/` compute, and know nothing that answers differently twice."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
LIBRARIES = {
    "msgspec": "values",
    "orjson": "JSON that is checked or passed through",
    "uuid_utils": "derived ids; the standard library's uuid5 is several times slower",
    "cronsim": "cron expressions, correct where the clock changes",
    "jsonschema_rs": "JSON Schema; compiled so that it fetches nothing",
    "phonenumbers": "the reference data of telephone numbers",
    "idna": "the tables of international domain names",
}
IMPURE = {"asyncio", "os", "random", "secrets", "signal", "socket", "subprocess", "sys", "threading", "time"}
"""Of the standard library."""


def pure_files() -> list[Path]:
    folders = [ROOT / "shared" / "model", ROOT / "shared" / "deciding", *sorted((ROOT / "services").rglob("core"))]
    return [path for folder in folders for path in sorted(folder.rglob("*.py")) if path.stat().st_size]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def is_pure(module: str) -> bool:
    top = module.partition(".")[0]
    if top == "shared":
        return module.startswith(("shared.model", "shared.deciding"))
    if top == "services":
        return ".core" in module
    return (top in sys.stdlib_module_names and top not in IMPURE) or top in LIBRARIES


def test_pure_folders_import_only_what_computes() -> None:
    files = pure_files()
    assert len(files) > 40
    impure = {str(path.relative_to(ROOT)): module for path in files for module in imports(path) if not is_pure(module)}
    assert impure == {}


def test_the_check_bites() -> None:
    for module in ("time", "asyncio", "aiokafka", "shared.mongo.holds", "services.router.inputs", "structlog"):
        assert not is_pure(module)
