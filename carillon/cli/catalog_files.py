"""A folder of workflow files, looked at as a whole: every mistake of every file, each with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from carillon.cli.templates import template_faults
from shared.catalog.files import FileFault, FileReading, faults_in, look_at, workflow_files
from shared.model.errors import InvalidWorkflow
from shared.model.workflows import Workflow

FIXES: Final = {
    "invalid_yaml": "correct the YAML there; quote a text that holds : or #",
    "invalid_workflow": "docs/workflows.md lists every field and every kind of step",
    "missing_template": "add the text, or take the channel out of the step",
    "invalid_template": "docs/workflows.md#templates lists what a template sees",
    "invalid_locale": "write language tags as en, de or pt-BR, each once",
    "no_common_locale": "give all parts of the message one locale in common, en for instance",
    "invalid_condition": "docs/workflows.md#conditions lists paths and operators",
    "invalid_schema": "write a JSON Schema (2020-12) that refers to nothing but itself",
    "invalid_cron": "write five fields: minute hour day month weekday, as 0 9 * * 1-5",
    "invalid_time": "write a path, and an offset if need be, as data.booking.start - 24h",
    "duplicate_key": "give one of them another key",
}
"""By code, what to do; what is more precise stands in the detail."""


class CheckedFolder(NamedTuple):
    """The workflows of all files, or what is wrong with them."""

    files: int
    workflows: list[Workflow]
    faults: list[FileFault]


def check_folder(path: Path) -> CheckedFolder:
    """A file, or all workflow files below a folder. Raises nothing: a file that cannot be read is a fault."""
    files = workflow_files(path)
    readings = [(file, look_at(file)) for file in files]
    faults = [fault for file, reading in readings for fault in (*reading.faults, *_texts(file, reading))]
    faults += _twice(readings)
    return CheckedFolder(len(files), [reading.workflow for _, reading in readings if reading.workflow], faults)


def lines_of(fault: FileFault) -> str:
    """What is wrong and what to do, on two lines."""
    where = f" (at {fault.pointer})" if fault.pointer else ""
    return f"{fault.place}: {fault.detail}{where}\n    {fault.code}: {FIXES.get(fault.code, FIXES['invalid_workflow'])}"


def _texts(file: Path, reading: FileReading) -> list[FileFault]:
    if reading.workflow is None:
        return []
    return faults_in(file, reading.root, template_faults(reading.workflow))


def _twice(readings: list[tuple[Path, FileReading]]) -> Iterator[FileFault]:
    places: dict[str, Path] = {}
    for file, reading in readings:
        if reading.workflow is None:
            continue
        key = reading.workflow.key
        if key in places:
            twice = InvalidWorkflow("duplicate_key", f"{places[key]} has the key {key}, too", "/key")
            yield from faults_in(file, reading.root, [twice])
        places.setdefault(key, file)
