"""What the refusals of this API look like, for its OpenAPI document."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel

from shared.http.problems import PROBLEM_JSON


class ProblemResponse(BaseModel):
    """RFC 9457. `fix` says what to do next; `status_code` repeats `status`."""

    type: str
    title: str
    status: int
    status_code: int
    detail: str
    instance: str
    code: str
    fix: str
    request_id: str
    errors: list[dict[Literal["pointer", "detail"], str]] = []
    """What is wrong where; pointers are RFC 6901."""


Responses = dict[int | str, dict[str, Any]]
"""As FastAPI takes them."""

_DESCRIPTIONS: Final = {
    400: "There is no such notification type",
    401: "No token, or one that is not good",
    404: "Not among the user's notifications",
    408: "The body did not arrive in time",
    413: "The body is too large",
    422: "The request is not valid: `errors` says where",
    429: "Too many requests of this user: wait for Retry-After seconds",
    503: "A part that this call needs does not answer: repeat it after Retry-After seconds",
}


def problem_responses(*statuses: int) -> Responses:
    """The `responses` of a router or route that may refuse with these statuses."""
    content = {PROBLEM_JSON: {"schema": ProblemResponse.model_json_schema()}}
    return {status: {"description": _DESCRIPTIONS[status], "content": content} for status in statuses}
