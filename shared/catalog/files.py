"""Workflows as YAML files. What cannot be read is named with its file and line, and is never a traceback."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

import yaml

from shared.catalog.aliases import check_expansion
from shared.model.errors import InvalidWorkflow
from shared.model.workflow_documents import read_document
from shared.model.workflows import Workflow

SUFFIXES: Final = (".yaml", ".yml")
MAX_FILE_BYTES: Final = 1_048_576


class FileFault(NamedTuple):
    """Something wrong with a file."""

    place: str
    """The file, and its line if that is known: `catalog/orders/order_shipped.yaml:3`."""
    line: int
    code: str
    detail: str
    pointer: str | None = None


class FileReading(NamedTuple):
    """The workflow of a file, or what is wrong with it; `root` are its YAML nodes, if it is YAML."""

    workflow: Workflow | None
    faults: list[FileFault]
    root: yaml.Node | None


class _Yaml(yaml.SafeLoader):
    """Safe, with the plain values of YAML 1.2 and fewer: `on`, `yes`, `1:30`, `010` and `2026-01-02` are text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        """As PyYAML does, but a key that stands twice is an error: the last one would win in silence."""
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = (key_node.tag, key_node.value) if isinstance(key_node, yaml.ScalarNode) else None
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key_node.value!r} stands twice", key_node.start_mark
                )
            seen.add(key)
            seen.discard(None)
        return super().construct_mapping(node, deep)


_Yaml.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]{0,17})", "-+0123456789"),
    ("float", r"[-+]?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,17}", "-+0123456789"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", r"<<", "<"),
):
    _Yaml.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})\\Z"), list(_first))


def read_folder(folder: Path) -> list[Workflow]:
    """The workflow of a file, or of every `*.yaml` and `*.yml` below a folder; hidden ones are left out.

    Raises InvalidWorkflow, file and line named in its detail.
    """
    return [read_file(path) for path in workflow_files(folder)]


def workflow_files(folder: Path) -> list[Path]:
    """The files that are meant, in order."""
    if folder.is_file():
        return [folder]
    found = (path for path in folder.rglob("*") if path.suffix in SUFFIXES and not path.is_dir())
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def read_file(path: Path) -> Workflow:
    """One file as a workflow. Raises InvalidWorkflow as above."""
    reading = look_at(path)
    if reading.workflow is None:
        first = reading.faults[0]
        raise InvalidWorkflow(first.code, f"{first.place}: {first.detail}", first.pointer)
    return reading.workflow


def look_at(path: Path) -> FileReading:
    """One file as a workflow, or everything that is wrong with it, by line."""
    try:
        root, document = _document(path)
    except InvalidWorkflow as error:
        place, _, detail = error.detail.partition(": ")
        return FileReading(None, [FileFault(place=place, line=0, code=error.code, detail=detail)], None)
    workflow, faults = read_document(document)
    return FileReading(workflow, faults_in(path, root, faults), root)


def faults_in(path: Path, root: yaml.Node | None, faults: Iterable[InvalidWorkflow]) -> list[FileFault]:
    """The faults with the lines that their pointers lead to, in the order of the file."""
    found = []
    for fault in faults:
        line = line_of(root, fault.pointer or "")
        found.append(FileFault(f"{path}:{line}", line, fault.code, fault.detail, fault.pointer))
    return sorted(found, key=lambda fault: fault.line)


def _document(path: Path) -> tuple[yaml.Node | None, object]:
    """The nodes and the values of a file. Raises InvalidWorkflow, whose detail begins with its place."""
    text = _text(path)
    try:
        root = yaml.compose(text, _Yaml)
        if root is not None:
            check_expansion(root)
        return root, yaml.load(text, _Yaml)  # noqa: S506  # _Yaml is a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidWorkflow("invalid_yaml", f"{path}:{line}: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise InvalidWorkflow("invalid_yaml", f"{path}: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise InvalidWorkflow("invalid_yaml", f"{path}: it is nested too deep") from error
    except ValueError as error:  # what a tag that is written out makes of its value
        raise InvalidWorkflow("invalid_yaml", f"{path}: {error}") from error


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InvalidWorkflow("invalid_yaml", f"{path}: more than {MAX_FILE_BYTES} bytes")
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidWorkflow("invalid_yaml", f"{path}: it is not UTF-8; save it as UTF-8") from error
    except OSError as error:
        raise InvalidWorkflow("invalid_yaml", f"{path}: {error.strerror or error}") from error


def line_of(root: yaml.Node | None, pointer: str) -> int:
    """The line, from 1, of the deepest part of a JSON pointer that is there."""
    node, line = root, root.start_mark.line + 1 if root else 1
    for name in pointer.split("/")[1:]:
        part = name.replace("~1", "/").replace("~0", "~")
        found: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == part:
                    found, line = value, key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and part.isdecimal() and int(part) < len(node.value):
            found = node.value[int(part)]
            line = found.start_mark.line + 1 if found else line
        if found is None:
            return line
        node = found
    return line
