"""How many are connected: over several processes, of one tenant, for as long as leases last."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

import pytest

from services.gateway.live.presence import PresenceStore
from shared.model.connected import ConnectedCounts, SocketLeaseStore
from shared.mongo.database import Database
from shared.mongo.presence import Presence
from shared.mongo.socket_leases import SocketLeases
from tests.support.twins.presence import MemoryPresence
from tests.support.twins.socket_leases import MemorySocketLeases

NOBODY = ConnectedCounts(0, 0, 0)


class Gateway(NamedTuple):
    presence: PresenceStore
    sockets: SocketLeaseStore


@pytest.fixture
def gateway(implementation: str, request: pytest.FixtureRequest) -> Callable[[str], Gateway]:
    """What a process of this name writes."""
    if implementation == "real":
        database = request.getfixturevalue("database")
        return lambda name: Gateway(Presence(database, name), SocketLeases(database, name))
    online: dict[str, set[str]] = {}
    rows: dict[tuple[str, str], int] = {}

    class Twin(MemorySocketLeases):
        async def counts(self, tenant: str) -> ConnectedCounts:
            self.users = {user for user, pods in online.items() if pods}
            return await super().counts(tenant)

    return lambda name: Gateway(MemoryPresence(name, online), Twin(name, rows))


async def test_a_tenants_users_and_sockets_are_counted_over_all_processes(gateway: Callable[[str], Gateway]) -> None:
    one, other, asks = gateway("1"), gateway("2"), gateway("").sockets
    assert await asks.counts("acme") == NOBODY
    await one.presence.renew(["acme:ann", "acme:bob", "acme-2:ann", "acm:ann"])
    await one.sockets.renew({"acme": 3, "acme-2": 1, "acm": 1})
    await other.presence.renew(["acme:ann"])
    await other.sockets.renew({"acme": 2})
    assert await asks.counts("acme") == ConnectedCounts(2, 5, 2)
    assert await asks.counts("acm") == ConnectedCounts(1, 1, 1)
    await one.sockets.renew({"acme": 1})
    assert await asks.counts("acme") == ConnectedCounts(2, 4 - 1, 2)
    await one.sockets.renew({"acme": 0})
    assert await asks.counts("acme") == ConnectedCounts(2, 2, 1)
    assert await asks.counts("acme-2") == ConnectedCounts(1, 1, 1)
    await one.presence.gone(["acme-2:ann"])
    await one.sockets.gone()
    await one.sockets.gone()
    assert await asks.counts("acme-2") == NOBODY
    assert (await asks.counts("acme")).sockets == 2, "the other process has them still"


@pytest.mark.real
async def test_a_process_that_died_counts_until_its_leases_end(database: Database) -> None:
    ended = timedelta(0)
    await Presence(database, "dead", lease=ended).renew(["acme:ann"])
    await SocketLeases(database, "dead", lease=ended).renew({"acme": 7})
    living = SocketLeases(database, "living")
    assert await living.counts("acme") == NOBODY
    await living.renew({"acme": 1})
    assert await living.counts("acme") == ConnectedCounts(0, 1, 1)
