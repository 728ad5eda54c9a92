"""What the OpenAPI document says beside the paths: answers, which are msgspec's, refusals, the credential."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from fastapi import FastAPI
from fastapi.responses import Response

from services.console.analytics.core.report import DeliveryCounts, Recounting, VariantComparison
from services.console.deliveries.core.listed import DeliveryPage
from services.console.events.core.event_report import EventReport
from services.console.events.core.started import StartedNotifications
from services.console.events.core.why_not import WhyNot
from services.console.letters.core.answers import (
    DeadLetterDetail,
    DeadLetterGroups,
    DeadLetterPage,
    DeadLetterSummary,
    RedriveAnswer,
)
from services.console.letters.core.audit_page import AuditPage
from services.console.letters.core.bodies import RedriveBody, RedriveManyBody
from services.console.letters.core.jobs import JobList, JobShown, RedrivePreview
from services.console.timeline.core.timeline import Timeline
from services.console.timeline.core.why import Why
from shared.http import openapi
from shared.http.json_bodies import JSON
from shared.http.problem_document import ProblemDocument

DESCRIPTION: Final = (
    "What happened to a notification, what became of an event, what failed for good, how many of what. Needs an API key with the scope "
    "`operate`."
)
ANSWERS: Final = (
    Timeline,
    Why,
    EventReport,
    StartedNotifications,
    WhyNot,
    DeadLetterPage,
    DeliveryPage,
    DeadLetterGroups,
    DeadLetterDetail,
    DeadLetterSummary,
    RedriveAnswer,
    RedrivePreview,
    JobShown,
    JobList,
    AuditPage,
    DeliveryCounts,
    VariantComparison,
    Recounting,
)
BODIES: Final = (RedriveBody, RedriveManyBody)
_REFUSALS: Final = {
    400: "The body is no strict JSON",
    401: "No credential, or an unknown one",
    403: "The key lacks the scope `operate`",
    404: "Not seen yet, or another tenant's",
    408: "The body did not come in time",
    409: "It stands so that this is not done; `fix` says what is",
    413: "The body is too large",
    415: "The body is not said to be JSON",
    422: "What is asked makes no sense: an id that is too long or missing, a filter that names nothing",
    503: "MongoDB does not answer: repeat it after Retry-After seconds",
}


def answer(
    model: type[msgspec.Struct],
    example: msgspec.Struct | None = None,
    *,
    status: int = 200,
    body: type[msgspec.Struct] | None = None,
) -> dict[str, Any]:
    """Arguments of a FastAPI route that answers `status` with `model`, one of ANSWERS, and takes `body`, one of BODIES."""
    content = openapi.json_of(model)
    if example is not None:
        content[JSON]["example"] = msgspec.to_builtins(example)
    taken = {} if body is None else {"requestBody": {"content": openapi.json_of(body)}}
    return {
        "response_class": Response,
        "status_code": status,
        "responses": {status: {"description": model.__doc__, "content": content}},
        "openapi_extra": {**openapi.NEEDS_KEY, **taken},
    }


def writes(
    model: type[msgspec.Struct],
    *,
    body: type[msgspec.Struct] | None = None,
    dry_run: type[msgspec.Struct] | None = None,
) -> dict[str, Any]:
    """Of a route that changes something, as `answer`; one with a body is accepted (202), and answers 200 with `dry_run` if it is only to say what it would do."""
    arguments = answer(model, status=200 if body is None else 202, body=body)
    if dry_run is not None:
        arguments["responses"][200] = {"description": dry_run.__doc__, "content": openapi.json_of(dry_run)}
    arguments["responses"] |= refusals(*((409,) if body is None else (400, 408, 409, 413, 415)))
    return arguments


def refusals(*statuses: int) -> openapi.Responses:
    """The `responses` of a router that may refuse with these statuses."""
    return openapi.refusals(_REFUSALS, statuses)


def complete(app: FastAPI) -> None:
    """Adds the schemas and the security scheme to what FastAPI generates."""
    openapi.complete(app, _schemas, with_api_key=True)


def _schemas() -> openapi.Schemas:
    _, answers = msgspec.json.schema_components((*ANSWERS, *BODIES), ref_template=openapi.MSGSPEC_REFERENCE)
    return {**answers, **openapi.schemas_of(ProblemDocument)}
