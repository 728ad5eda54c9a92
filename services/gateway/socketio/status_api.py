"""`GET /health` and `GET /stats` of Socket.IO, with the fields of its document: over all processes, of one tenant."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from time import monotonic
from typing import Final, NamedTuple

from fastapi import APIRouter, FastAPI, Request, Response
from pydantic import BaseModel

from services.gateway.recent import RecentOfTenant
from services.gateway.socketio.backends import FindPrincipal, presence_key
from services.gateway.socketio.totals import NotificationTotals, TotalsStore
from shared.http.conventions import HttpConventions
from shared.http.credentials import bearer, require_scope, unauthorized
from shared.http.problems import install_problems
from shared.model.connected import SocketLeaseStore
from shared.model.errors import Unavailable
from shared.model.ports import PresenceLookup
from shared.model.timestamps import rfc3339
from shared.mongo.api_keys import Scope
from shared.process.clock import now_ms

SERVICE: Final = "notification_service"
CONNECTED_SECONDS: Final = 1.0
TOTALS_SECONDS: Final = 10.0
"""So long an answer stands; counting costs more than asking who is connected."""


class ServiceStatus(StrEnum):
    """Whether clients are served."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


class ServiceHealth(BaseModel):
    """What is of a tenant is null where nobody may know it, or nobody can."""

    status: ServiceStatus
    service: str
    timestamp: str
    online_facilitators: int | None
    backend_connected: bool | None


class ServiceStats(BaseModel):
    """Of one tenant."""

    online_facilitators: int
    backend_connected: bool
    total_notifications: int
    pending_notifications: int
    facilitator_sessions: int


class _Connected(NamedTuple):
    users: int
    sockets: int
    backend: bool


class ServiceFigures:
    """What both routes tell of a tenant. Raises MongoUnavailable."""

    def __init__(
        self,
        sockets: SocketLeaseStore,
        presence: PresenceLookup,
        totals: TotalsStore,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._sockets = sockets
        self._presence = presence
        self.connected = RecentOfTenant(self._read_connected, CONNECTED_SECONDS, clock)
        self.totals: RecentOfTenant[NotificationTotals] = RecentOfTenant(totals.totals, TOTALS_SECONDS, clock)

    async def _read_connected(self, tenant: str) -> _Connected:
        counts = await self._sockets.counts(tenant)
        key = presence_key(tenant).decode()
        return _Connected(counts.users, counts.sockets, key in await self._presence.online({key}))


def create_status_api(
    owner: FindPrincipal,
    figures: ServiceFigures,
    serves: Callable[[], Awaitable[bool]],
    *,
    public_tenant: str | None,
) -> FastAPI:
    """`public_tenant` is whose figures are told to whoever shows no key; None: nobody's."""
    api = FastAPI(title="Carillon Socket.IO", openapi_url=None, docs_url=None, redoc_url=None)
    api.add_middleware(HttpConventions)
    install_problems(api)
    routes = APIRouter()

    async def tenant_of(request: Request) -> str | None:
        if "authorization" not in request.headers:
            return public_tenant
        principal = await owner(bearer(request))
        if principal is None:
            raise unauthorized("the key is not known, or revoked")
        require_scope(principal, Scope.OPERATE)
        return principal.tenant

    @routes.get("/health")
    async def health(request: Request, response: Response) -> ServiceHealth:
        """Whether clients are served, and who is connected: for a probe, too, which has no key."""
        good, found = await serves(), None
        try:
            tenant = await tenant_of(request)
            found = await figures.connected(tenant) if good and tenant is not None else None
        except Unavailable:
            good = False
        response.status_code = 200 if good else 503
        response.headers["Cache-Control"] = "no-store"
        return ServiceHealth(
            status=ServiceStatus.HEALTHY if good else ServiceStatus.UNHEALTHY,
            service=SERVICE,
            timestamp=rfc3339(now_ms()),
            online_facilitators=None if found is None else found.users,
            backend_connected=None if found is None else found.backend,
        )

    @routes.get("/stats")
    async def stats(request: Request, response: Response) -> ServiceStats:
        """The same and more, in numbers."""
        tenant = await tenant_of(request)
        if tenant is None:
            raise unauthorized("no credential was sent")
        connected, totals = await figures.connected(tenant), await figures.totals(tenant)
        response.headers["Cache-Control"] = "no-store"
        return ServiceStats(
            online_facilitators=connected.users,
            backend_connected=connected.backend,
            total_notifications=totals.total,
            pending_notifications=totals.pending,
            facilitator_sessions=connected.sockets,
        )

    api.include_router(routes)
    return api
