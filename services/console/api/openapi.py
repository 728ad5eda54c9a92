"""What the OpenAPI document says beside the paths: answers, which are msgspec's, refusals, the credential."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from fastapi import FastAPI
from fastapi.responses import Response
from pydantic.json_schema import models_json_schema

from services.console.events.core.event_report import EventReport
from services.console.events.core.started import StartedNotifications
from services.console.timeline.core.timeline import Timeline
from shared.http.json_bodies import JSON
from shared.http.problem_document import ProblemDocument
from shared.http.problems import PROBLEM_JSON

DESCRIPTION: Final = (
    "What happened to a notification, what became of an event. Needs an API key with the scope `operate`."
)
ANSWERS: Final = (Timeline, EventReport, StartedNotifications)
_SCHEMA: Final = "#/components/schemas/{name}"
_SECURITY: Final = "apiKey"
_REFUSALS: Final = {
    401: "No credential, or an unknown one",
    403: "The key lacks the scope `operate`",
    404: "Not seen yet, or another tenant's",
    422: "An id is longer than any",
    503: "MongoDB does not answer: repeat it after Retry-After seconds",
}


def answer(model: type[msgspec.Struct], example: msgspec.Struct | None = None) -> dict[str, Any]:
    """Arguments of a FastAPI route that answers 200 with `model`, one of ANSWERS."""
    content: dict[str, Any] = {"schema": {"$ref": _SCHEMA.format(name=model.__name__)}}
    if example is not None:
        content["example"] = msgspec.to_builtins(example)
    return {
        "response_class": Response,
        "responses": {200: {"description": model.__doc__, "content": {JSON: content}}},
        "openapi_extra": {"security": [{_SECURITY: []}]},
    }


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a router that may refuse with these statuses."""
    content = {PROBLEM_JSON: {"schema": {"$ref": _SCHEMA.format(name=ProblemDocument.__name__)}}}
    return {status: {"description": _REFUSALS[status], "content": content} for status in statuses}


def complete(app: FastAPI) -> None:
    """Adds the schemas and the security scheme to what FastAPI generates."""
    generate = app.openapi

    def whole() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            _, answers = msgspec.json.schema_components(ANSWERS, ref_template=_SCHEMA)
            _, problems = models_json_schema(
                [(ProblemDocument, "validation")], ref_template=_SCHEMA.format(name="{model}")
            )
            components = document.setdefault("components", {})
            components["schemas"] = answers | problems["$defs"]
            components["securitySchemes"] = {
                _SECURITY: {"type": "http", "scheme": "bearer", "description": "An API key: `carillon key create`"}
            }
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = whole  # type: ignore[method-assign]  # FastAPI documents this as the way to extend it
