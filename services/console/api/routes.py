"""The operators' API: what happened to a notification, what an event started. API key with the scope `operate`; the tenant comes from it."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, FastAPI, Path, Request
from fastapi.responses import Response

from services.console.timeline.store import read_notifications_of, read_timeline
from shared.http.credentials import bearer, unauthorized
from shared.http.problems import Problem, install_problems
from shared.mongo.api_keys import ApiKeys, Scope
from shared.mongo.database import Database

EXAMPLE: dict[str, Any] = {
    "notification": "5f3c…",
    "tenant": "default",
    "user": "ana",
    "workflow": "order.shipped",
    "version": 1,
    "event_id": "9a41…",
    "event_type": "com.example.order.shipped.v1",
    "accepted_at": "2026-01-05T10:11:12.131Z",
    "state": "open",
    "channels": [{"state": "sent", "at": "2026-01-05T10:11:12.190Z", "channel": "in_app", "terminal": True}],
    "entries": [{"at": "2026-01-05T10:11:12.150Z", "type": "notification", "state": "routed", "ms_since_accept": 19}],
    "decisions": [{"kind": "notify", "offset": 17, "rules": [{"rule": "workflow", "result": "passed"}]}],
    "deliveries": [{"delivery": "c1d2…", "state": "sent", "attempts": 1}],
    "holds": [{"cause": "quiet_hours", "due": "2026-01-06T07:00:00.000Z", "channel": "email"}],
    "complete": True,
}
Id = Annotated[str, Path(max_length=200)]


routes = APIRouter()


async def _tenant(request: Request) -> str:
    """Whose data may be seen. Raises Problem 401 or 403."""
    keys: ApiKeys = request.app.state.keys
    principal = await keys.principal(bearer(request))
    if principal is None:
        raise unauthorized("the API key is unknown or revoked")
    if Scope.OPERATE not in principal.scopes:
        fix = "Use a key with it: carillon key create --name ops --scope operate"
        raise Problem(403, "missing_scope", "this key may not do that: it lacks the scope operate", fix=fix)
    return principal.tenant


Tenant = Annotated[str, Depends(_tenant)]


@routes.get(
    "/v1/notifications/{notification}/timeline",
    responses={200: {"content": {"application/json": {"example": EXAMPLE}}}},
)
async def timeline(request: Request, notification: Id, tenant: Tenant) -> Response:
    """What happened to one notification: each rule, each attempt, what it waits for."""
    found = await read_timeline(request.app.state.database, tenant, notification)
    if found is None:
        raise _unknown("notification")
    return Response(msgspec.json.encode(found), media_type="application/json")


@routes.get("/v1/events/{event}/notifications")
async def notifications(request: Request, event: Id, tenant: Tenant) -> Response:
    """What one event started: its notifications, each with the type of its last status."""
    found = await read_notifications_of(request.app.state.database, tenant, event)
    if found is None:
        raise _unknown("event")
    return Response(msgspec.json.encode({"event": event, "notifications": found}), media_type="application/json")


def create_api(database: Database) -> FastAPI:
    """The application; every refusal is a problem document."""
    app = FastAPI(
        title="Carillon console", version="1", description=__doc__ or "", redoc_url=None, redirect_slashes=False
    )
    app.state.database, app.state.keys = database, ApiKeys(database)
    install_problems(app)
    app.include_router(routes)
    return app


def _unknown(what: str) -> Problem:
    return Problem(
        404,
        f"unknown_{what}",
        f"this {what} was not seen yet, or it is not yours",
        fix="Ask again in a second if it was accepted just now; else compare the id and the key's tenant.",
    )
