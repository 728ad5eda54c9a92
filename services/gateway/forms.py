"""Bodies that are forms: what a route says of its own, and reading it."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from services.gateway.problem_responses import problem_responses
from shared.http.bodies import read_body
from shared.http.json_bodies import require_uncompressed
from shared.http.pointers import pointer_to
from shared.http.problems import Problem
from shared.model import strict_json

FIX: Final = "Nothing was stored. Correct the body as the errors say; the schema is at /openapi.json."
BodyForm = TypeVar("BodyForm", bound=BaseModel)


def takes(model: type[BaseModel], *refusals: int) -> dict[str, Any]:
    """Arguments of a route whose body is this; `refusals`: others than those of every body."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    body = {"content": {"application/json": {"schema": schema}}, "required": True}
    return {"openapi_extra": {"requestBody": body}, "responses": problem_responses(*refusals, 408, 413, 415, 422)}


async def read_form(
    request: Request,
    model: type[BodyForm],
    most_bytes: int,
    *,
    code: str = "invalid_request",
    detail: str = "the request is not valid",
) -> BodyForm:
    """Raises Problem 408, 413, 415, or 422 with every fault; an Invalid of strict JSON."""
    require_uncompressed(request)
    body = await read_body(request, most_bytes)
    try:
        return model.model_validate(strict_json.loads(body))
    except ValidationError as error:
        pointers = [(pointer_to(fault["loc"]), fault["msg"]) for fault in error.errors()]
        raise Problem(422, code, detail, fix=FIX, pointers=pointers) from error
