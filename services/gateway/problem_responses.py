"""What the refusals of this API look like, for its OpenAPI document."""

from __future__ import annotations

from functools import partial
from typing import Final

from fastapi import FastAPI
from pydantic import BaseModel

from shared.http import openapi
from shared.http.problem_document import ProblemDocument

_DESCRIPTIONS: Final = {
    400: "There is no such notification type, or the path is not UTF-8",
    401: "No token, or one that is not good",
    403: "Users may not do this by themselves here",
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


def problem_responses(*statuses: int) -> openapi.Responses:
    """The `responses` of a router or route that may refuse with these statuses; `add_schemas` completes them."""
    return openapi.refusals(_DESCRIPTIONS, statuses, InboxProblem)


def add_schemas(api: FastAPI, *bodies: type[BaseModel]) -> None:
    """Adds to what FastAPI generates: it knows models of one media type per route, and none of `bodies`."""
    openapi.complete(api, partial(openapi.schemas_of, InboxProblem, *bodies), with_api_key=False)
