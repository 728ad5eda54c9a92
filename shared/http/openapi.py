"""What an OpenAPI document says beside what FastAPI generates: bodies by reference, refusals, the API key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from shared.http.json_bodies import JSON
from shared.http.problem_document import ProblemDocument
from shared.http.problems import PROBLEM_JSON

Content = dict[str, Any]
"""By media type."""
Responses = dict[int | str, dict[str, Any]]
"""By status, as FastAPI takes them."""
Schemas = Mapping[str, object]
"""By the name of the model."""
_SCHEMA: Final = "#/components/schemas/"
PYDANTIC_REFERENCE: Final = _SCHEMA + "{model}"
MSGSPEC_REFERENCE: Final = _SCHEMA + "{name}"
API_KEY: Final = "apiKey"
NEEDS_KEY: Final[dict[str, object]] = {"security": [{API_KEY: []}]}
"""Of an operation that needs an API key."""


def json_of(model: type, media: str = JSON) -> Content:
    """A body of `model`, whose schema `complete` adds."""
    return {media: {"schema": {"$ref": _SCHEMA + model.__name__}}}


def refusals(
    descriptions: Mapping[int, str], statuses: Iterable[int], problem: type[ProblemDocument] = ProblemDocument
) -> Responses:
    """The problem documents that a router or route may answer, in the order of `statuses`."""
    content = json_of(problem, PROBLEM_JSON)
    return {status: {"description": descriptions[status], "content": content} for status in statuses}


def schemas_of(*models: type[BaseModel]) -> Schemas:
    """The schemas of pydantic models and of all that is in them."""
    _, found = models_json_schema([(model, "validation") for model in models], ref_template=PYDANTIC_REFERENCE)
    return dict(found["$defs"])


def complete(app: FastAPI, schemas: Callable[[], Schemas], *, with_api_key: bool) -> None:
    """Adds schemas, made when the document is asked for, and the scheme of API keys to what FastAPI generates."""
    generate = app.openapi

    def whole() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            components = document.setdefault("components", {})
            components.setdefault("schemas", {}).update(schemas())
            if with_api_key:
                components["securitySchemes"] = {
                    API_KEY: {"type": "http", "scheme": "bearer", "description": "An API key: `carillon key create`"}
                }
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = whole  # type: ignore[method-assign]  # FastAPI documents this as the way to extend it
