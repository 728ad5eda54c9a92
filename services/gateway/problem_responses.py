"""What the refusals of this API look like, for its OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from shared.http.problem_document import ProblemDocument
from shared.http.problems import PROBLEM_JSON

Responses = dict[int | str, dict[str, Any]]
"""As FastAPI takes them."""
_SCHEMA: Final = "#/components/schemas/{model}"
_DESCRIPTIONS: Final = {
    400: "There is no such notification type, or the path is not UTF-8",
    401: "No token, or one that is not good",
    404: "Not among the user's notifications",
    408: "The body did not arrive in time",
    413: "The body is too large",
    415: "The body is compressed",
    422: "The request is not valid: `errors` says where",
    429: "Too many requests of this user: wait for Retry-After seconds",
    503: "A part that this call needs does not answer: repeat it after Retry-After seconds",
}


class InboxProblem(ProblemDocument):
    """Why a call was refused, and the next step; `status_code` repeats `status`."""

    status_code: int


def problem_responses(*statuses: int) -> Responses:
    """The `responses` of a router or route that may refuse with these statuses; `add_problem_schema` completes them."""
    content = {PROBLEM_JSON: {"schema": {"$ref": _SCHEMA.format(model=InboxProblem.__name__)}}}
    return {status: {"description": _DESCRIPTIONS[status], "content": content} for status in statuses}


def add_problem_schema(api: FastAPI) -> None:
    """FastAPI knows models of one media type per route: the schema of the other is added to what it generates."""
    generate = api.openapi

    def document() -> dict[str, Any]:
        if api.openapi_schema is None:
            _, definitions = models_json_schema([(InboxProblem, "validation")], ref_template=_SCHEMA)
            generate()["components"]["schemas"].update(definitions["$defs"])
        return generate()

    api.openapi = document  # type: ignore[method-assign]  # FastAPI documents this way to extend it
