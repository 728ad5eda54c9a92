"""A workflow's document read field by field, so that everything wrong with it is said at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Final, NamedTuple, get_args

import msgspec

from shared.model.channels import Channel
from shared.model.errors import InvalidWorkflow
from shared.model.steps import Step
from shared.model.strict_json import escape
from shared.model.workflow_checks import workflow_faults
from shared.model.workflows import Workflow, conversion_fault, with_kinds

_STEPS: Final[dict[str, type[msgspec.Struct]]] = {str(each.__struct_config__.tag): each for each in get_args(Step)}
_IN_APP: Final = Channel.IN_APP.value
_PLACEHOLDERS: Final[dict[str, object]] = {
    "key": "x",
    "category": "x",
    "steps": [{"kind": "channel", "key": "x", "channels": [_IN_APP]}],
}
"""Instead of what is missing or wrong, so that the rest can be looked at."""


class DocumentReading(NamedTuple):
    """The workflow, or what is wrong with it."""

    workflow: Workflow | None
    faults: list[InvalidWorkflow]


def read_document(document: object) -> DocumentReading:
    """The workflow of a YAML document, or everything that is wrong with it, each with a pointer. Raises nothing."""
    faults: list[InvalidWorkflow] = []
    if isinstance(document, dict) and "version" in document:
        faults.append(_fault("publishing numbers versions: leave it out", "/version"))
        document = {name: value for name, value in document.items() if name != "version"}
    try:
        good = _value(with_kinds(document), Workflow, "", faults)
        if not isinstance(good, dict):
            return DocumentReading(None, faults)
        workflow = msgspec.convert(_PLACEHOLDERS | good, Workflow)
        broken = [place for fault in faults if (place := _concerned(fault))]
        faults += [fault for fault in workflow_faults(workflow) if not _follows(fault, broken)]
    except RecursionError:
        return DocumentReading(None, [InvalidWorkflow("invalid_workflow", "it is nested too deep")])
    return DocumentReading(None if faults else workflow, faults)


def _concerned(fault: InvalidWorkflow) -> str:
    """Where it is wrong; a misspelt field of a step stands for any other of the step's."""
    pointer = fault.pointer or ""
    return pointer.rpartition("/")[0] if pointer.startswith("/steps/") and "unknown field" in fault.detail else pointer


def _follows(fault: InvalidWorkflow, broken: Sequence[str]) -> bool:
    """Whether it may be wrong only because something else is."""
    pointer = fault.pointer or ""
    if any(f"{each}/".startswith(f"{pointer}/") or f"{pointer}/".startswith(f"{each}/") for each in broken):
        return True
    if fault.code == "missing_template":
        return any(each.startswith(("/templates", "/steps")) for each in broken)
    return pointer == "/on" and "/recipients" in broken


def _value(value: object, wanted: object, pointer: str, faults: list[InvalidWorkflow]) -> object:
    """What is right of a value; UNSET: nothing is."""
    items = get_args(wanted)
    if isinstance(value, list) and len(items) == 2 and items[1] is ... and _structs(items[0]):
        found = [_value(each, items[0], f"{pointer}/{position}", faults) for position, each in enumerate(value)]
        if items[0] == Step:
            return [_placeholder(value[n]) if each is msgspec.UNSET else each for n, each in enumerate(found)]
        return [each for each in found if each is not msgspec.UNSET]
    structs = _structs(wanted)
    if isinstance(value, dict) and structs:
        if len(structs) == 1:
            return _fields(value, structs[0], pointer, faults)
        if (struct := _STEPS.get(str(value.get("kind")))) is not None:
            return _fields(value, struct, pointer, faults)
    try:
        msgspec.convert(value, wanted)
    except msgspec.ValidationError as error:
        faults.append(conversion_fault(error, pointer))
        return msgspec.UNSET
    return value


def _fields(
    value: dict[str, object], struct: type[msgspec.Struct], pointer: str, faults: list[InvalidWorkflow]
) -> object:
    """The fields that are right; UNSET where one that is required is not among them, but for a whole workflow."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    good: dict[str, object] = {
        name: value[name] for name in ("kind",) if struct.__struct_config__.tag and name in value
    }
    for name, part in value.items():
        if name in good:
            continue
        field = fields.get(name)
        here = f"{pointer}/{escape(str(name))}"
        if field is None or name == "version":
            faults.append(_unknown(str(name), fields, here))
        elif (found := _value(part, field.type, here, faults)) is not msgspec.UNSET:
            good[name] = found
    missing = [name for name, field in fields.items() if field.required and name not in value]
    faults += [_fault(f"Object missing required field `{name}`", pointer) for name in missing]
    complete = all(name in good for name, field in fields.items() if field.required)
    return good if complete or struct is Workflow else msgspec.UNSET


def _placeholder(value: object) -> dict[str, object]:
    """A step in the place of one that is wrong: others may name it."""
    key = value.get("key") if isinstance(value, dict) else None
    return {"kind": "channel", "key": key if isinstance(key, str) else "x", "channels": [_IN_APP]}


def _structs(wanted: object) -> list[type[msgspec.Struct]]:
    return [
        each for each in get_args(wanted) or (wanted,) if isinstance(each, type) and issubclass(each, msgspec.Struct)
    ]


def _unknown(name: str, known: Iterable[str], pointer: str) -> InvalidWorkflow:
    likely = get_close_matches(name, list(known), n=1)
    hint = f"; did you mean {likely[0]}?" if likely else f"; there are {', '.join(known)}"
    return _fault(f"Object contains unknown field `{name[:60]}`{hint}", pointer)


def _fault(detail: str, pointer: str) -> InvalidWorkflow:
    return InvalidWorkflow("invalid_workflow", detail, pointer)
