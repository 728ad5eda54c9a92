"""The operators' OpenAPI document is whole, and its example is what a timeline looks like."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from services.console.api.example import TIMELINE
from services.console.app import create_api
from services.console.timeline.core.timeline import Timeline


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_api(None).openapi()


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def test_every_reference_leads_to_a_schema(document: dict[str, Any]) -> None:
    found = set(references(document))
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert {"#/components/schemas/Timeline", "#/components/schemas/StartedNotification"} < found
    assert found - known == set()


def test_every_operation_says_what_it_answers_and_how_it_refuses(document: dict[str, Any]) -> None:
    operations = [each for path in document["paths"].values() for each in path.values()]
    assert len(operations) == 19
    for operation in operations:
        responses = dict(operation["responses"])
        answered = [responses.pop(status) for status in ("200", "202") if status in responses]
        assert answered
        assert all("$ref" in each["content"]["application/json"]["schema"] for each in answered)
        assert "requestBody" in operation or len(answered) == 1
        assert {"401", "403", "404", "422", "503"} <= responses.keys()
        for refused in responses.values():
            assert refused["content"] == {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}
            }
        assert operation["security"] == [{"apiKey": []}]
    assert "apiKey" in document["components"]["securitySchemes"]


def test_the_example_is_a_timeline(document: dict[str, Any]) -> None:
    answers = document["paths"]["/v1/notifications/{notification}/timeline"]["get"]["responses"]["200"]
    example = answers["content"]["application/json"]["example"]
    assert msgspec.convert(example, Timeline) == TIMELINE
    assert example.keys() == document["components"]["schemas"]["Timeline"]["properties"].keys()
