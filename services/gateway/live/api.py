"""`/asyncapi.json`: what is said over the sockets, for tools."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.gateway.live.asyncapi import document


def asyncapi_routes(socket_port: int) -> APIRouter:
    """Open to all, as `/openapi.json` is."""
    routes = APIRouter()

    @routes.get("/asyncapi.json", include_in_schema=False)
    async def asyncapi(request: Request) -> Response:
        host = f"{request.url.hostname}:{socket_port}"
        return Response(msgspec.json.format(msgspec.json.encode(document(host))), media_type="application/json")

    return routes
