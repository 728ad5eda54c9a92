"""What is told of the service: the document's fields, of one tenant, to whoever may know them."""

from __future__ import annotations

import pytest

from services.gateway.socketio.backends import presence_key
from services.gateway.socketio.status_api import (
    CONNECTED_SECONDS,
    TOTALS_SECONDS,
    ServiceFigures,
    create_status_api,
)
from services.gateway.socketio.totals import NotificationTotals
from shared.model.errors import MongoUnavailable
from shared.mongo.api_keys import Scope
from tests.support.asgi import AsgiAnswer, ask_app
from tests.support.twins.api_keys import MemoryApiKeys
from tests.support.twins.outages import Outages
from tests.support.twins.presence import MemoryPresence
from tests.support.twins.socket_leases import MemorySocketLeases

ROWS = {("1", "acme"): 5, ("2", "acme"): 3, ("1", "other"): 40}
USERS = {"acme:2", "acme:5", "other:2"}


class Totals:
    """A TotalsStore in memory."""

    def __init__(self) -> None:
        self.found = {"acme": NotificationTotals(150, 5)}
        self.asked = 0
        self.outages = Outages(MongoUnavailable)

    async def totals(self, tenant: str) -> NotificationTotals:
        async with self.outages.call():
            self.asked += 1
            return self.found.get(tenant, NotificationTotals(0, 0))


class Service:
    def __init__(self, public_tenant: str | None = None) -> None:
        self.now = 0.0
        self.good = True
        self.keys = MemoryApiKeys()
        self.sockets = MemorySocketLeases(rows=dict(ROWS), users=set(USERS))
        self.presence = MemoryPresence("1")
        self.totals = Totals()
        figures = ServiceFigures(self.sockets, self.presence, self.totals, lambda: self.now)
        self.app = create_status_api(self.keys.principal, figures, self._serves, public_tenant=public_tenant)

    async def _serves(self) -> bool:
        return self.good

    async def ask(self, path: str, tenant: str | None = None, *scopes: Scope) -> AsgiAnswer:
        headers = {}
        if tenant is not None:
            key = await self.keys.create(tenant=tenant, scopes=frozenset(scopes or (Scope.OPERATE,)))
            headers = {"authorization": f"Bearer {key}"}
        return await ask_app(self.app, "GET", path, headers=headers)


async def test_health_has_the_documents_fields() -> None:
    service = Service()
    await service.presence.renew([presence_key("acme").decode()])
    answer = await service.ask("/health", "acme")
    found = answer.json()
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    assert found.pop("timestamp").endswith("Z")
    assert found == {
        "status": "healthy",
        "service": "notification_service",
        "online_facilitators": 2,
        "backend_connected": True,
    }
    other = (await service.ask("/health", "other")).json()
    assert (other["online_facilitators"], other["backend_connected"]) == (1, False)


async def test_stats_have_the_documents_fields() -> None:
    service = Service()
    await service.presence.renew([presence_key("acme").decode()])
    answer = await service.ask("/stats", "acme")
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json() == {
        "online_facilitators": 2,
        "backend_connected": True,
        "total_notifications": 150,
        "pending_notifications": 5,
        "facilitator_sessions": 8,
    }
    assert (await service.ask("/stats", "third")).json() == {
        "online_facilitators": 0,
        "backend_connected": False,
        "total_notifications": 0,
        "pending_notifications": 0,
        "facilitator_sessions": 0,
    }


async def test_without_a_key_there_are_figures_of_the_public_tenant_only() -> None:
    private, public = Service(), Service("acme")
    told = (await private.ask("/health")).json()
    assert (told["status"], told["online_facilitators"], told["backend_connected"]) == ("healthy", None, None)
    refused = await private.ask("/stats")
    assert (refused.status, refused.json()["code"]) == (401, "unauthorized")
    assert private.sockets.asked == private.totals.asked == 0
    assert (await public.ask("/health")).json()["online_facilitators"] == 2
    assert (await public.ask("/stats")).json()["total_notifications"] == 150
    assert (await public.ask("/stats", "other")).json()["facilitator_sessions"] == 40, "a key's tenant comes first"


@pytest.mark.parametrize("path", ["/health", "/stats"])
async def test_a_key_that_may_not_operate_is_told_so(path: str) -> None:
    service = Service("acme")
    assert (await service.ask(path, "acme", Scope.SEND, Scope.ADMIN)).status == 403
    for credential in ("Bearer ck_x", "Basic x"):
        answer = await ask_app(service.app, "GET", path, headers={"authorization": credential})
        assert (answer.status, answer.json()["code"]) == (401, "unauthorized")
    assert service.sockets.asked == 0


async def test_whoever_polls_is_told_what_was_so_a_moment_ago() -> None:
    service = Service("acme")
    for _ in range(5):
        await service.ask("/stats")
        await service.ask("/health")
    assert (service.sockets.asked, service.totals.asked) == (1, 1)
    service.now += CONNECTED_SECONDS
    await service.ask("/stats")
    assert (service.sockets.asked, service.totals.asked) == (2, 1)
    service.now += TOTALS_SECONDS
    await service.ask("/stats")
    assert service.totals.asked == 2


async def test_what_does_not_answer_is_said() -> None:
    service = Service("acme")
    service.good = False
    answer = await service.ask("/health")
    assert (answer.status, answer.json()["status"]) == (503, "unhealthy")
    assert answer.json()["online_facilitators"] is None
    assert service.sockets.asked == 0, "nobody waits for what does not answer"
    service.good = True
    service.sockets.outages.add(2)
    answer = await service.ask("/health")
    assert (answer.status, answer.json()["status"]) == (503, "unhealthy")
    assert (await service.ask("/stats")).json()["code"] == "temporarily_unavailable"


async def test_everything_else_is_a_problem_document() -> None:
    service = Service("acme")
    assert (await service.ask("/nothing")).json()["code"] == "not_found"
    assert (await ask_app(service.app, "POST", "/stats")).status == 405
