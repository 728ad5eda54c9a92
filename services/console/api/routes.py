"""The operators' API: what happened to a notification, what an event started."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import Response

from services.console.api.example import TIMELINE
from services.console.api.openapi import answer, refusals
from services.console.timeline.core.started import StartedNotifications
from services.console.timeline.core.timeline import Timeline
from services.console.timeline.store import read_notifications_of, read_timeline
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
            raise _unknown("notification")
        return Response(msgspec.json.encode(found), media_type=JSON)

    @routes.get("/events/{event}/notifications", **answer(StartedNotifications))
    async def notifications(event: Id, tenant: str = own) -> Response:
        """What one event started: its notifications, each with the type of its last status."""
        found = await read_notifications_of(database, tenant, event)
        if found is None:
            raise _unknown("event")
        return Response(msgspec.json.encode(found), media_type=JSON)

    return routes


def _unknown(what: str) -> Problem:
    return Problem(
        404,
        f"unknown_{what}",
        f"this {what} was not seen yet, or it is not yours",
        fix="Ask again in a second if it was accepted just now; else compare the id and the key's tenant.",
    )
