"""The schema of problem documents (RFC 9457), for OpenAPI."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class FieldProblem(BaseModel):
    """What is wrong with one place of the body."""

    pointer: str = Field(description="RFC 6901")
    detail: str


class ProblemDocument(BaseModel):
    """Why a call was refused, and the next step."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "/problems/invalid_request",
                    "title": "Invalid request",
                    "status": 422,
                    "detail": "a field is not valid",
                    "instance": "/v1/notifications",
                    "code": "invalid_request",
                    "fix": "Correct the body as the errors say; the schema is at /openapi.json.",
                    "request_id": "7f3c1f0e5a9b4c43",
                    "errors": [{"pointer": "/recipients", "detail": "must be a list"}],
                }
            ]
        }
    )

    type: str = Field(json_schema_extra={"format": "uri-reference"})
    title: str
    status: int
    detail: str
    instance: str = ""
    code: str = Field(description="stable; docs/problems.md has a section on each")
    fix: str = Field(description="the next step")
    request_id: str
    errors: list[FieldProblem] = []
