"""The operators' API: what happened to a notification."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.console.api.callers import NOT_SEEN, Id, key_tenant
from services.console.api.example import TIMELINE, WHY
from services.console.api.openapi import answer, refusals
from services.console.timeline.core.timeline import Timeline
from services.console.timeline.core.why import Why, why
from services.console.timeline.store import read_timeline
from shared.http.json_bodies import JSON
from shared.http.problems import Problem
from shared.mongo.api_keys import ApiKeys
from shared.mongo.database import Database


def timeline_routes(database: Database, keys: ApiKeys) -> APIRouter:
    """Reading only, with an API key that has the scope `operate`; the tenant comes from it."""
    routes = APIRouter(prefix="/v1", tags=["timelines"], responses=refusals(401, 403, 404, 422, 503))
    own = Depends(key_tenant(keys))

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

    return routes


def _unknown_notification() -> Problem:
    detail = "this notification was not seen yet, or it is not yours"
    fix = f"{NOT_SEEN} What became of an event is at /v1/events/{{id}}, a fan-out at /v1/fanouts/{{id}}."
    return Problem(404, "unknown_notification", detail, fix=fix)
