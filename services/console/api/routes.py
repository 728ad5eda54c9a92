"""The operators' API: what happened to a notification, what became of an event."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import Response

from services.console.api.example import EVENT, TIMELINE, WHY
from services.console.api.openapi import answer, refusals
from services.console.events.core.event_report import EventReport
from services.console.events.core.started import StartedNotifications
from services.console.events.store import read_event
from services.console.timeline.core.timeline import Timeline
from services.console.timeline.core.why import Why, why
from services.console.timeline.store import read_timeline
from shared.http.credentials import bearer, require_scope, unauthorized
from shared.http.json_bodies import JSON
from shared.http.problems import Problem
from shared.mongo.api_keys import ApiKeys, Scope
from shared.mongo.database import Database

Id = Annotated[str, Path(max_length=200)]


def timeline_routes(database: Database, keys: ApiKeys) -> APIRouter:
    """Reading only, with an API key that has the scope `operate`; the tenant comes from it."""
    routes = APIRouter(prefix="/v1", tags=["timelines"], responses=refusals(401, 403, 404, 422, 503))

    async def key_tenant(request: Request) -> str:
        principal = await keys.principal(bearer(request))
        if principal is None:
            raise unauthorized("the key is not known, or revoked")
        require_scope(principal, Scope.OPERATE)
        return principal.tenant

    own = Depends(key_tenant)

    @routes.get("/notifications/{notification}/timeline", **answer(Timeline, TIMELINE))
    async def timeline(notification: Id, tenant: str = own) -> Response:
        """What happened to one notification: each rule, each attempt, what it waits for."""
        found = await read_timeline(database, tenant, notification)
        if found is None:
            raise _unknown_notification()
        return Response(msgspec.json.encode(found), media_type=JSON)

    @routes.get("/notifications/{notification}/why", **answer(Why, WHY))
    async def notification_why(notification: Id, tenant: str = own) -> Response:
        """The same in sentences, one after the other, and what it waits for now."""
        found = await read_timeline(database, tenant, notification)
        if found is None:
            raise _unknown_notification()
        return Response(msgspec.json.encode(why(found)), media_type=JSON)

    async def event_report(event: str, tenant: str) -> EventReport:
        found = await read_event(database, tenant, event)
        if found is None:
            raise _unknown_event()
        return found

    @routes.get("/events/{event}", **answer(EventReport, EVENT))
    async def event(event: Id, tenant: str = own) -> Response:
        """What became of one event: which workflows it started, whom each found, and why nobody else."""
        return Response(msgspec.json.encode(await event_report(event, tenant)), media_type=JSON)

    @routes.get("/events/{event}/notifications", **answer(StartedNotifications))
    async def notifications(event: Id, tenant: str = own) -> Response:
        """The notifications of one event, each with the type of its last status; without any, the reason."""
        found = await event_report(event, tenant)
        started = StartedNotifications(event=event, notifications=found.notifications, reason=found.reason)
        return Response(msgspec.json.encode(started), media_type=JSON)

    return routes


_FIX: Final = "Ask again in a second if it was accepted just now; else compare the id and the key's tenant."


def _unknown_notification() -> Problem:
    detail = "this notification was not seen yet, or it is not yours"
    fix = f"{_FIX} What became of an event is at /v1/events/{{id}}."
    return Problem(404, "unknown_notification", detail, fix=fix)


def _unknown_event() -> Problem:
    return Problem(404, "unknown_event", "this event was not seen yet, or it is not yours", fix=_FIX)
