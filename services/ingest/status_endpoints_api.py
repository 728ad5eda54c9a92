"""Endpoints that statuses are pushed to, for producers: put, list, delete."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from services.ingest.admission import Admission
from services.ingest.models.body import read
from services.ingest.models.status_endpoints import (
    StatusEndpointBody,
    StatusEndpointList,
    StoredStatusEndpoint,
    shown,
)
from services.ingest.openapi import operation
from shared.http.bodies import read_body
from shared.http.json_bodies import json_answer, parse_json, require_json
from shared.http.openapi import json_of
from shared.http.problems import Problem
from shared.model.status_endpoints import MAX_ENDPOINTS, StatusEndpoint
from shared.mongo.api_keys import Scope
from shared.mongo.status_endpoints import StatusEndpoints
from shared.process.clock import now_ms

PATH: Final = "/v1/status-endpoints"
EndpointId = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$", description="a name of your choice")]


def status_endpoint_routes(*, admission: Admission, endpoints: StatusEndpoints, webhook_secret: str) -> APIRouter:
    """`/v1/status-endpoints`. A change counts within seconds."""
    routes = APIRouter(tags=["status endpoints"])

    @routes.put(
        PATH + "/{endpoint}",
        **operation(
            "putStatusEndpoint",
            "Push statuses to a URL",
            answer=(200, StoredStatusEndpoint),
            refusals=(400, 409, 413, 415, 422),
            body=json_of(StatusEndpointBody),
        ),
    )
    async def put(request: Request, endpoint: EndpointId) -> Response:
        """200 with the endpoint; one that was disabled is called again."""
        caller = await admission.caller(request, Scope.ADMIN)
        require_json(request)
        body = read(StatusEndpointBody, parse_json(await read_body(request)))
        wanted = StatusEndpoint(
            tenant=caller.tenant, id=endpoint, url=body.url, events=tuple(body.events), created_at=now_ms()
        )
        stored = await endpoints.put(wanted)
        if stored is None:
            raise Problem(
                409,
                "too_many_endpoints",
                f"the tenant has {MAX_ENDPOINTS} endpoints for statuses",
                fix=f"DELETE {PATH}/{{id}} of one that nobody needs.",
            )
        return json_answer(shown(stored, webhook_secret).model_dump(mode="json"))

    @routes.get(
        PATH,
        **operation("listStatusEndpoints", "Where statuses are pushed", answer=(200, StatusEndpointList), refusals=()),
    )
    async def list_all(request: Request) -> Response:
        """200 with all of the tenant's."""
        caller = await admission.caller(request, Scope.ADMIN)
        found = [shown(one, webhook_secret) for one in await endpoints.of(caller.tenant)]
        return json_answer(StatusEndpointList(endpoints=found).model_dump(mode="json"))

    @routes.delete(
        PATH + "/{endpoint}",
        **operation("deleteStatusEndpoint", "Push no more statuses there", answer=(204, None), refusals=(404,)),
    )
    async def remove(request: Request, endpoint: EndpointId) -> Response:
        """204; what is on its way already still comes."""
        caller = await admission.caller(request, Scope.ADMIN)
        if not await endpoints.remove(caller.tenant, endpoint):
            raise Problem(
                404,
                "unknown_endpoint",
                f"there is no endpoint {endpoint!r}",
                fix=f"GET {PATH} lists those that there are.",
            )
        return Response(status_code=204)

    return routes
