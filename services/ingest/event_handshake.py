"""`OPTIONS /v1/events`: who delivers CloudEvents by webhook asks whether they are wanted, before the first one.

CloudEvents 1.0.2, HTTP 1.1 Web Hooks, section 4. It says only that origin may deliver; each delivery needs a key all the same.
"""

from __future__ import annotations

from collections.abc import Collection

from fastapi import APIRouter, Request
from fastapi.responses import Response

from shared.http.direct_route import DirectRoute
from shared.http.problems import Problem

ANY = "*"


def parse_hook_origins(text: str) -> frozenset[str]:
    """The names of a comma separated list, without case; `*` is everybody."""
    return frozenset(name.strip().lower() for name in text.split(",") if name.strip())


def handshake_routes(allowed: Collection[str]) -> APIRouter:
    """Grants the origins in `allowed`, at any rate."""
    routes = APIRouter(prefix="/v1/events", tags=["events"], route_class=DirectRoute)

    @routes.options("", include_in_schema=False)
    async def handshake(request: Request) -> Response:
        """200 with what is granted. Raises Problem 403."""
        origin = request.headers.get("webhook-request-origin", "").strip()
        headers = {"Allow": "POST, OPTIONS"}
        if not origin:
            return Response(status_code=204, headers=headers)
        if ANY not in allowed and origin.lower() not in allowed:
            fix = "Operators: add the name to CARILLON_EVENT_ORIGINS."
            raise Problem(403, "origin_not_allowed", f"{origin[:253]!r} may not deliver events here", fix=fix)
        granted = {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"}
        return Response(status_code=200, headers=headers | granted)

    return routes
