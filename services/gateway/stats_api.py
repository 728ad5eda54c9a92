"""`GET /stats`: who is connected, over all gateways, for whoever operates a tenant."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from services.gateway.recent import RecentOfTenant
from shared.http.credentials import bearer, require_scope, unauthorized
from shared.model.connected import SocketLeaseStore
from shared.model.timestamps import rfc3339
from shared.mongo.api_keys import Principal, Scope
from shared.process.clock import now_ms

ReadPrincipal = Callable[[str], Awaitable[Principal | None]]
"""Whose an API key is; None: nobody's. Raises MongoUnavailable."""
ANSWER_SECONDS: Final = 1.0
"""So long an answer stands: who polls faster costs nothing more."""


class StatsResponse(BaseModel):
    """Of the key's tenant."""

    tenant: str
    online_users: int
    sockets: int
    gateways: int
    timestamp: str


def stats_routes(owner: ReadPrincipal, store: SocketLeaseStore, clock: Callable[[], float] = monotonic) -> APIRouter:
    """With an API key that has the scope `operate`; the tenant comes from it. Not in the schema, which is the users'."""
    routes = APIRouter()
    counts = RecentOfTenant(store.counts, ANSWER_SECONDS, clock)

    @routes.get("/stats", include_in_schema=False)
    async def stats(request: Request, response: Response) -> StatsResponse:
        """Who and how many are connected."""
        principal = await owner(bearer(request))
        if principal is None:
            raise unauthorized("the key is not known, or revoked")
        require_scope(principal, Scope.OPERATE)
        found = await counts(principal.tenant)
        response.headers["Cache-Control"] = "no-store"
        return StatsResponse(
            tenant=principal.tenant,
            online_users=found.users,
            sockets=found.sockets,
            gateways=found.gateways,
            timestamp=rfc3339(now_ms()),
        )

    return routes
