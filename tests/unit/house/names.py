"""Every name and text that a reader or an operator meets, read from the source without importing it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
PACKAGES = ("carillon", "services", "shared", "sandbox")
METRIC_TYPES = frozenset({"Counter", "Gauge", "Histogram", "Summary", "Info"})
LOG_METHODS = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
LOGGERS = frozenset({"log", "logger"})
ALIAS = re.compile(r"[A-Z]\w*[a-z]\w*")
TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@dataclass(frozen=True)
class Found:
    """A name or a text, and where it stands: `path:line`, `carillon up --help`."""

    where: str
    text: str
    of: str = ""
    """The class or function that a parameter belongs to."""

    def __str__(self) -> str:
        return f"{self.where}: {self.of}.{self.text}" if self.of else f"{self.where}: {self.text!r}"


def tokens(text: str) -> list[str]:
    """The words in a name or a text, in lower case: `KafkaAway` and `kafka_away` are both kafka, away."""
    return [token.lower() for token in TOKEN.findall(text)]


@cache
def sources() -> list[tuple[str, ast.Module]]:
    """Every module by its path, parsed once."""
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return [(str(path.relative_to(ROOT)), ast.parse(path.read_text())) for path in paths]


def modules() -> Iterator[Found]:
    for path, _ in sources():
        name = path.removesuffix(".py").removesuffix("/__init__").rpartition("/")[2]
        yield Found(path, name)


def public_classes() -> Iterator[Found]:
    for path, module in sources():
        for node in module.body:
            if isinstance(node, ast.ClassDef) and _is_public(node.name):
                yield Found(f"{path}:{node.lineno}", node.name)


def public_aliases() -> Iterator[Found]:
    """Names of types that a module gives: `Rows = AsyncIOMotorCollection[Any]`. Constants are in capitals."""
    for path, module in sources():
        for node in module.body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript | ast.BinOp | ast.Name):
                for target in node.targets:
                    if isinstance(target, ast.Name) and ALIAS.fullmatch(target.id):
                        yield Found(f"{path}:{node.lineno}", target.id)


def public_names() -> Iterator[Found]:
    """Modules, public classes, functions, methods, and their parameters: the fields of a Struct are parameters, too."""
    yield from modules()
    for path, module in sources():
        yield from _names(path, module.body)


def metric_texts() -> Iterator[Found]:
    """Names, helps, label names, and label values written out where a metric is used."""
    for path, module in sources():
        for call in _calls(module):
            function = call.func
            of_type = isinstance(function, ast.Name) and function.id in METRIC_TYPES
            of_labels = isinstance(function, ast.Attribute) and function.attr == "labels"
            if of_type or of_labels:
                yield from _strings(path, *call.args, *(keyword.value for keyword in call.keywords))


def log_texts() -> Iterator[Found]:
    """Names of events and of their fields."""
    for path, module in sources():
        for call in _calls(module):
            function = call.func
            if (
                isinstance(function, ast.Attribute)
                and function.attr in LOG_METHODS
                and isinstance(function.value, ast.Name)
                and function.value.id in LOGGERS
            ):
                yield from _strings(path, *call.args)
                for keyword in call.keywords:
                    yield Found(f"{path}:{call.lineno}", keyword.arg or "")


def _calls(module: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(module) if isinstance(node, ast.Call))


def _strings(path: str, *arguments: ast.expr) -> Iterator[Found]:
    for argument in arguments:
        for node in ast.walk(argument):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield Found(f"{path}:{node.lineno}", node.value)


def _names(path: str, body: list[ast.stmt]) -> Iterator[Found]:
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and _is_public(node.name):
            yield Found(f"{path}:{node.lineno}", node.name)
        if isinstance(node, ast.ClassDef) and _is_public(node.name):
            yield from _names(path, node.body)
            yield from _fields(path, node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (
            _is_public(node.name) or node.name == "__init__"
        ):
            yield from _parameters(path, node)


def _fields(path: str, of: ast.ClassDef) -> Iterator[Found]:
    """Fields of a Struct or dataclass, members of an enum."""
    for node in of.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            if isinstance(target, ast.Name) and _is_public(target.id):
                yield Found(f"{path}:{node.lineno}", target.id, of.name)


def _parameters(path: str, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Found]:
    given = function.args
    for parameter in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg):
        if parameter is not None and _is_public(parameter.arg):
            yield Found(f"{path}:{parameter.lineno}", parameter.arg, function.name)


def _is_public(name: str) -> bool:
    return not name.startswith("_")
