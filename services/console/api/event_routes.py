"""The operators' API: what became of an event, and why somebody got nothing of it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from services.console.api.callers import NOT_SEEN, Id, key_tenant
from services.console.api.example import EVENT
from services.console.api.openapi import answer, refusals
from services.console.events.core.event_report import EventReport
from services.console.events.core.started import StartedNotifications
from services.console.events.core.why_not import WhyNot
from services.console.events.store import read_event, read_why_not
from shared.http.json_bodies import JSON
from shared.http.problems import Problem
from shared.mongo.api_keys import ApiKeys
from shared.mongo.database import Database

EventId = Annotated[str, Query(max_length=200, description="the event's id")]


def event_routes(database: Database, keys: ApiKeys) -> APIRouter:
    """Reading only, with an API key that has the scope `operate`; the tenant comes from it."""
    routes = APIRouter(prefix="/v1", tags=["events"], responses=refusals(401, 403, 404, 422, 503))
    own = Depends(key_tenant(keys))

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

    @routes.get("/users/{user:path}/why-not", **answer(WhyNot))
    async def user_why_not(user: Id, event: EventId, tenant: str = own) -> Response:
        """Why a user did not get something of an event: which workflows named them, and what became of it."""
        found = await read_why_not(database, tenant, user, event)
        if found is None:
            raise _unknown_event()
        return Response(msgspec.json.encode(found), media_type=JSON)

    return routes


def _unknown_event() -> Problem:
    return Problem(404, "unknown_event", "this event was not seen yet, or it is not yours", fix=NOT_SEEN)
