from __future__ import annotations

import pytest

from services.gateway.app import create_api
from services.gateway.settings import GatewaySettings
from shared.http.tokens import TokenVerifier

PREFIX = "/api/v1/notifications"


@pytest.fixture(scope="module")
def document() -> dict:
    settings = GatewaySettings(token_secret="s" * 32)
    parts = dict.fromkeys(("database", "writer", "catalog", "store", "changes", "subscriptions", "tickets"))
    verifier = TokenVerifier(secret="s" * 32)
    return create_api(settings, verifier, components={}, **parts).openapi()


def operations(document: dict) -> dict[tuple[str, str], dict]:
    return {(method, path): found for path, item in document["paths"].items() for method, found in item.items()}


def references(part: object) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if "$ref" in part else []
        return own + [found for value in part.values() for found in references(value)]
    return [found for value in part for found in references(value)] if isinstance(part, list) else []


def test_every_reference_leads_somewhere(document):
    found = references(document)
    assert found
    for reference in found:
        part = document
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]
    assert f"{PREFIX}/preferences" in document["paths"]


def test_all_but_health_need_a_bearer_token_and_say_how_they_refuse(document):
    [(name, scheme)] = document["components"]["securitySchemes"].items()
    assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == ("http", "bearer", "JWT")
    for (_, path), operation in operations(document).items():
        if path == f"{PREFIX}/health":
            assert "security" not in operation
            continue
        assert operation["security"] == [{name: []}]
        for status in ("401", "429", "503"):
            [(media, content)] = operation["responses"][status]["content"].items()
            problem = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
            assert media == "application/problem+json"
            assert {"fix", "status", "status_code"} <= set(problem["required"])
        assert ("404" in operation["responses"]) is ("_id}" in path)


def test_what_is_sent_and_answered_has_a_schema(document):
    write = operations(document)["put", f"{PREFIX}/preferences"]
    schema = write["requestBody"]["content"]["application/json"]["schema"]
    assert schema == write["responses"]["200"]["content"]["application/json"]["schema"]
    for operation in operations(document).values():
        assert "$ref" in operation["responses"]["200"]["content"]["application/json"]["schema"]


def test_every_call_is_named_in_plain_words(document):
    summaries = [operation["summary"] for operation in operations(document).values()]
    assert all(len(summary.split()) > 1 for summary in summaries)
    assert len(set(summaries)) == len(summaries)
