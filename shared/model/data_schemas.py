"""JSON Schemas (2020-12) of workflows' data: bounded, and nothing is ever fetched for one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

import orjson

from shared.model.errors import InvalidWorkflow
from shared.model.strict_json import escape

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator, ValidationError

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
MAX_SCHEMA_BYTES: Final = 65_536
MAX_DEPTH: Final = 64
MAX_APPLIED: Final = 20_000
"""Subschemas with every local `$ref` written out: a few lines can ask for more work than any event is worth."""
MAX_FAULTS: Final = 100
"""Of one event's data that are named."""
_REFERENCES: Final = ("$ref", "$dynamicRef")
_VALUES: Final = ("const", "enum", "default", "examples")
"""Keywords that hold data, not schemas."""


def check_schema(schema: dict[str, object], pointer: str = "/schema") -> None:
    """Raises InvalidWorkflow with a pointer: too large, not of the dialect, or it leads out of itself."""
    try:
        size = len(orjson.dumps(schema))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidWorkflow("invalid_schema", f"it is no JSON: {error}", pointer) from error
    if size > MAX_SCHEMA_BYTES:
        raise InvalidWorkflow("invalid_schema", f"{size} bytes; at most {MAX_SCHEMA_BYTES}", pointer)
    for place, part in _parts(schema, pointer, MAX_DEPTH):
        _check_part(part, place)
    try:
        _applied(schema, schema, {}, pointer)
    except RecursionError as error:
        raise InvalidWorkflow("invalid_schema", "its references lead on and on", pointer) from error
    _compiled(schema, pointer, None)


def compile_schema(schema: dict[str, object] | bool, pointer: str = "/schema") -> Draft202012Validator:
    """What checks data. Formats count; patterns take linear time; values are not repeated in what it says.

    Raises InvalidWorkflow.
    """
    return _compiled(schema, pointer, "the value")


def _compiled(schema: dict[str, object] | bool, pointer: str, mask: str | None) -> Draft202012Validator:
    import jsonschema_rs  # noqa: PLC0415  # several MB, for processes that have such a workflow

    try:
        return jsonschema_rs.Draft202012Validator(
            schema,
            validate_formats=True,
            offline=True,
            mask=mask,
            pattern_options=jsonschema_rs.RegexOptions(size_limit=1_048_576),
        )
    except jsonschema_rs.ValidationError as error:
        raise InvalidWorkflow("invalid_schema", error.message, pointer + _joined(error.instance_path)) from error
    except (jsonschema_rs.ReferencingError, ValueError) as error:
        raise InvalidWorkflow("invalid_schema", str(error), pointer) from error


def faults(validator: Draft202012Validator, data: object, *, most: int = MAX_FAULTS) -> list[tuple[str, str]]:
    """What is wrong with the data, each with the JSON pointer of the field, also of one that is missing."""
    if validator.is_valid(data):
        return []
    return list(islice((place for error in validator.iter_errors(data) for place in _places(error)), most))


def _places(error: ValidationError) -> Iterator[tuple[str, str]]:
    here, kind = _joined(error.instance_path), error.kind
    if kind.name == "required":
        yield f"{here}/{escape(str(kind.as_dict()['property']))}", "is required"
    elif kind.name in ("additionalProperties", "unevaluatedProperties"):
        for name in kind.as_dict()["unexpected"]:
            yield f"{here}/{escape(str(name))}", "is not expected here"
    else:
        yield here, error.message


def _check_part(part: dict[str, object], pointer: str) -> None:
    dialect = part.get("$schema", DIALECT)
    if not isinstance(dialect, str) or dialect.rstrip("#") != DIALECT:
        raise InvalidWorkflow("invalid_schema", f"write {DIALECT}, or leave it out", f"{pointer}/$schema")
    for name in _REFERENCES:
        target = part.get(name)
        if isinstance(target, str) and not target.startswith("#"):
            detail = (
                f"{target[:80]!r} leads out of this schema: nothing is fetched; put it into $defs, as #/$defs/order"
            )
            raise InvalidWorkflow("invalid_schema", detail, f"{pointer}/{name}")


def _parts(schema: object, pointer: str, depth: int) -> Iterator[tuple[str, dict[str, object]]]:
    """Every object of the schema that may be a schema, with its pointer."""
    if not depth:
        raise InvalidWorkflow("invalid_schema", f"it is nested deeper than {MAX_DEPTH} levels", pointer)
    if isinstance(schema, dict):
        yield pointer, schema
        for name, value in schema.items():
            if name not in _VALUES:
                yield from _parts(value, f"{pointer}/{escape(str(name))}", depth - 1)
    elif isinstance(schema, list):
        for position, value in enumerate(schema):
            yield from _parts(value, f"{pointer}/{position}", depth - 1)


def _applied(part: object, root: dict[str, object], known: dict[int, int], pointer: str) -> int:
    """How many subschemas `part` comes to with its references written out; one that leads back to itself counts once."""
    if not isinstance(part, dict | list):
        return 0
    if id(part) in known:
        return known[id(part)]
    known[id(part)] = 1
    inside = [value for name, value in part.items() if name != "$defs"] if isinstance(part, dict) else part
    count = 1 + sum(_applied(value, root, known, pointer) for value in inside)
    if isinstance(part, dict):
        for name in _REFERENCES:
            if isinstance(part.get(name), str):
                count += _applied(_target(root, str(part[name])), root, known, pointer)
    if count > MAX_APPLIED:
        detail = f"its references come to more than {MAX_APPLIED} subschemas"
        raise InvalidWorkflow("invalid_schema", detail, pointer)
    known[id(part)] = count
    return count


def _target(root: dict[str, object], reference: str) -> object:
    """Where a reference into this schema leads; anchors are left to the compiler."""
    found: object = root
    for name in reference.removeprefix("#").split("/")[1:]:
        key = name.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict):
            found = found.get(key)
        elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            return None
    return found


def _joined(path: list[str | int]) -> str:
    return "".join(f"/{escape(str(name))}" for name in path)
