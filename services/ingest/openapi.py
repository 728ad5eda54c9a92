"""What the OpenAPI document says beside the models: refusals, headers, credentials."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from fastapi import FastAPI
from fastapi.responses import Response
from pydantic import BaseModel

from services.ingest.models.audiences import (
    FanoutShown,
    SubscribeRequest,
    Subscribers,
    SubscriptionPage,
    UnsubscribeRequest,
)
from services.ingest.models.dry_runs import DryRunAnswer
from services.ingest.models.events import AcceptedEvents, CloudEvent, CloudEventBatch
from services.ingest.models.notifications import AcceptedNotifications, Cancelled, CancelRequest, SendRequest
from services.ingest.models.profiles import ProfileBody, ProfilePatch, StoredProfile
from services.ingest.models.pull import (
    ExtendedLease,
    ExtendRequest,
    FailedReport,
    KeptReport,
    SentReport,
    TakenDeliveries,
    TakeRequest,
)
from services.ingest.models.schedules import SchedulePage, SchedulePatch, ScheduleRequest, StoredSchedule
from services.ingest.models.status_endpoints import StatusEndpointBody, StatusEndpointList, StoredStatusEndpoint
from services.ingest.models.suppressions import (
    LiftedSuppressions,
    LiftRequest,
    StoredSuppression,
    SuppressionBody,
    SuppressionEntries,
)
from services.ingest.models.tenants import CancelScope, LiftedStops, StopList, StopScope, StoredTenant, TenantPatch
from shared.http import openapi
from shared.http.problem_document import ProblemDocument

DESCRIPTION: Final = (
    "Producers' edge: what is answered with 202 is durable. "
    "Repeat a call that ended without an answer with the same `Idempotency-Key`."
)
IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "1 to 255 characters, quoted or bare; the same call again gets the same answer",
    "schema": {"type": "string", "maxLength": 255},
    "example": '"6f1c0b5e-8d7e-4f0a-9f5d-0c6a3f1f2b11"',
}
TRACEPARENT: Final = {
    "name": "traceparent",
    "in": "header",
    "description": "W3C Trace Context",
    "schema": {"type": "string"},
}
DRY_RUN: Final = {
    "name": "dry_run",
    "in": "query",
    "description": "true: nothing is stored or sent; the answer says who would get what, and when",
    "schema": {"type": "boolean", "default": False},
}
_REFUSALS: Final = {
    400: "No strict JSON, or a bad Idempotency-Key",
    401: "No credential, or an unknown one",
    403: "The key lacks the scope",
    404: "There is none of this id, or no such user",
    409: "The first call with this Idempotency-Key is under way; see Retry-After. Or another has this id",
    413: "The body, or what it expands to, is too large",
    415: "Another content type is needed",
    422: "Something in it is not valid: `errors` holds JSON pointers; or the Idempotency-Key came with another body",
    503: "Nothing was accepted; see Retry-After",
}
MODELS: Final[tuple[type[BaseModel], ...]] = (
    SendRequest, AcceptedNotifications, DryRunAnswer, CancelRequest, Cancelled, CloudEvent, CloudEventBatch,
    AcceptedEvents,
    ProfileBody, ProfilePatch, StoredProfile, SuppressionBody, StoredSuppression, SuppressionEntries,
    LiftRequest, LiftedSuppressions,
    StatusEndpointBody, StatusEndpointList, StoredStatusEndpoint,
    ScheduleRequest, SchedulePatch, StoredSchedule, SchedulePage,
    TenantPatch, StoredTenant, StopScope, CancelScope, StopList, LiftedStops,
    SubscribeRequest, UnsubscribeRequest, Subscribers, SubscriptionPage, FanoutShown,
    TakeRequest, TakenDeliveries, SentReport, FailedReport, KeptReport, ExtendRequest, ExtendedLease,
    ProblemDocument,
)  # fmt: skip


def operation(
    operation_id: str,
    summary: str,
    *,
    answer: tuple[int, type[BaseModel] | None],
    refusals: tuple[int, ...],
    body: openapi.Content | None = None,
    headers: tuple[Mapping[str, Any], ...] = (),
    instead: tuple[int, type[BaseModel]] | None = None,
) -> dict[str, Any]:
    """Arguments of a FastAPI route: 401, 403 and 503 are among the refusals of every one.

    `headers`: also parameters of the query; `instead`: what else it may answer.
    """
    status, model = answer
    accepted: dict[str, Any] = {"description": (model and model.__doc__) or "Nothing of it is left"}
    if model:
        accepted["content"] = openapi.json_of(model)
    others: openapi.Responses = {}
    if instead is not None:
        others[instead[0]] = {"description": instead[1].__doc__, "content": openapi.json_of(instead[1])}
    refused = openapi.refusals(_REFUSALS, sorted({401, 403, *refusals, 503}))
    extra: dict[str, Any] = dict(openapi.NEEDS_KEY)
    if headers:
        extra["parameters"] = list(headers)
    if body:
        extra["requestBody"] = {"required": True, "content": body}
    return {
        "operation_id": operation_id,
        "summary": summary,
        "status_code": status,
        "response_class": Response,
        "responses": {status: accepted, **others, **refused},
        "openapi_extra": extra,
    }


def complete(app: FastAPI) -> None:
    """Adds the models' schemas and the security scheme to what FastAPI generates."""
    openapi.complete(app, partial(openapi.schemas_of, *MODELS), with_api_key=True)
