"""JSON Schemas of data: what they say, and that none is fetched, endless, or too much."""

from __future__ import annotations

from typing import Any

import pytest

from shared.model.data_schemas import DIALECT, MAX_SCHEMA_BYTES, check_schema, compile_schema, faults
from shared.model.errors import InvalidWorkflow

ORDER: dict[str, Any] = {
    "type": "object",
    "required": ["order", "lines"],
    "additionalProperties": False,
    "properties": {
        "order": {"type": "string", "pattern": "^[A-Z]"},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
        "at": {"type": "string", "format": "date-time"},
    },
    "$defs": {"line": {"type": "object", "required": ["sku"], "properties": {"sku": {"type": "string"}}}},
}


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"order": "A", "lines": [{"sku": "x"}]}, []),
        ({"order": "A", "lines": []}, []),
        ({}, ["/order", "/lines"]),
        ([], [""]),
        (None, [""]),
        ({"order": 7, "lines": [{}, {"sku": 1}]}, ["/lines/0/sku", "/lines/1/sku", "/order"]),
        ({"order": "a", "lines": []}, ["/order"]),
        ({"order": "A", "lines": [], "x/y": 1, "z": 2}, ["/x~1y", "/z"]),
        ({"order": "A", "lines": [], "at": "yesterday"}, ["/at"]),
    ],
)
def test_every_field_that_is_wrong_is_named(data: Any, found: list[str]) -> None:
    check_schema(ORDER)
    assert sorted(pointer for pointer, _ in faults(compile_schema(ORDER), data)) == sorted(found)


def test_no_value_is_repeated() -> None:
    """What is wrong stands in dead letters, statuses and logs."""
    schema = {"properties": {"a": {"type": "integer"}, "b": {"enum": ["x"]}, "c": {"const": 1}, "d": {"maxLength": 1}}}
    said = faults(compile_schema(schema), dict.fromkeys("abcd", "a secret"))
    assert len(said) == 4
    assert "secret" not in str(said)


def test_as_many_as_are_asked_for() -> None:
    validator = compile_schema({"items": {"type": "string"}})
    assert len(faults(validator, list(range(1000)))) == 100
    assert faults(validator, [1, 2], most=1) == [("/0", 'the value is not of type "string"')]


def chain(length: int, times: int) -> dict[str, Any]:
    """Definitions that each stand for `times` of the next."""
    found: dict[str, Any] = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * times} for n in range(length)}
    return {"$ref": "#/$defs/d0", "$defs": found | {f"d{length}": {}}}


def nested(depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(depth):
        found = {"not": found}
    return found


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "objekt"}, "objekt"),
        ({"properties": {"a": {"minimum": "x"}}}, "number"),
        ({"pattern": "("}, "regex"),
        ({"pattern": "(?=a)b"}, "regex"),
        ({"$ref": "#/$defs/none"}, "does not exist"),
        ({"$ref": "#none"}, "does not exist"),
        ({"description": "x" * MAX_SCHEMA_BYTES}, "at most 65536"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, DIALECT),
        (nested(70), "deeper than 64"),
        (chain(30, 2), "more than 20000 subschemas"),
        (chain(1500, 1), "on and on"),
        ({"const": {1, 2}}, "no JSON"),
    ],
)
def test_what_is_no_schema_or_too_much_is_refused(schema: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidWorkflow) as refused:
        check_schema(schema)
    assert refused.value.code == "invalid_schema"
    assert (refused.value.pointer or "").startswith("/schema")
    assert words in refused.value.detail


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"$schema": DIALECT},
        {"$ref": "#"},
        {"properties": {"child": {"$ref": "#"}}},
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
        {"properties": {"$ref": {"type": "string"}}, "const": {"$ref": "http://example.com"}},
        {"$anchor": "top", "properties": {"a": {"$ref": "#top"}}},
        chain(10, 2),
        nested(60),
    ],
)
def test_what_refers_to_itself_is_taken_and_answers(schema: dict[str, Any]) -> None:
    check_schema(schema)
    faults(compile_schema(schema), {"a": {"a": {}}, "child": {"child": {}}})
