"""What the OpenAPI document says beside the paths: answers, which are msgspec's, refusals, the credential."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from fastapi import FastAPI
from fastapi.responses import Response

from services.console.events.core.event_report import EventReport
from services.console.events.core.started import StartedNotifications
from services.console.events.core.why_not import WhyNot
from services.console.timeline.core.timeline import Timeline
from services.console.timeline.core.why import Why
from shared.http import openapi
from shared.http.json_bodies import JSON
from shared.http.problem_document import ProblemDocument

DESCRIPTION: Final = (
    "What happened to a notification, what became of an event. Needs an API key with the scope `operate`."
)
ANSWERS: Final = (Timeline, Why, EventReport, StartedNotifications, WhyNot)
_REFUSALS: Final = {
    401: "No credential, or an unknown one",
    403: "The key lacks the scope `operate`",
    404: "Not seen yet, or another tenant's",
    422: "An id is longer than any, or missing",
    503: "MongoDB does not answer: repeat it after Retry-After seconds",
}


def answer(model: type[msgspec.Struct], example: msgspec.Struct | None = None) -> dict[str, Any]:
    """Arguments of a FastAPI route that answers 200 with `model`, one of ANSWERS."""
    content = openapi.json_of(model)
    if example is not None:
        content[JSON]["example"] = msgspec.to_builtins(example)
    return {
        "response_class": Response,
        "responses": {200: {"description": model.__doc__, "content": content}},
        "openapi_extra": openapi.NEEDS_KEY,
    }


def refusals(*statuses: int) -> openapi.Responses:
    """The `responses` of a router that may refuse with these statuses."""
    return openapi.refusals(_REFUSALS, statuses)


def complete(app: FastAPI) -> None:
    """Adds the schemas and the security scheme to what FastAPI generates."""
    openapi.complete(app, _schemas, with_api_key=True)


def _schemas() -> openapi.Schemas:
    _, answers = msgspec.json.schema_components(ANSWERS, ref_template=openapi.MSGSPEC_REFERENCE)
    return {**answers, **openapi.schemas_of(ProblemDocument)}
