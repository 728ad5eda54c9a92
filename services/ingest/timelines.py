"""Timelines are the console's: who asks here is sent there."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse

from shared.http.problems import Problem


def timeline_routes(console_url: str) -> APIRouter:
    """Reads of the operators' API; `console_url` is where it is, empty where nobody said so."""
    routes = APIRouter(prefix="/v1", include_in_schema=False)

    @routes.get("/notifications/{notification}/timeline")
    @routes.get("/notifications/{notification}/why")
    @routes.get("/events/{event}")
    @routes.get("/events/{event}/notifications")
    async def elsewhere(request: Request) -> RedirectResponse:
        """307. Raises Problem 404."""
        if not console_url:
            fix = "Ask the console at this path, with a key of the scope operate. Operators: set CARILLON_CONSOLE_URL."
            raise Problem(404, "served_by_console", "timelines and events are read at the console", fix=fix)
        path = request.scope["raw_path"].decode("ascii")
        return RedirectResponse(f"{console_url}{path}", status_code=307)

    return routes
