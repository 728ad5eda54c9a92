"""Bodies and queries that are not as the schema says: 422 with every field."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import Response

from services.ingest.models.body import InvalidFields
from shared.http.problems import Problem, respond


def install_field_problems(app: FastAPI) -> None:
    """InvalidFields becomes a problem document with pointers."""

    @app.exception_handler(InvalidFields)
    async def on_fields(request: Request, error: InvalidFields) -> Response:
        what = "query" if error.code == "invalid_query" else "body"
        fix = f"Correct the {what} as the errors say; the schema is at /openapi.json."
        return respond(Problem(422, error.code, error.detail, fix=fix, pointers=error.pointers), request)
