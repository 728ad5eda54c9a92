"""How many are connected: what an operator is told of a tenant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol


class ConnectedCounts(NamedTuple):
    """Of one tenant, over all gateway processes that have any of its sockets."""

    users: int
    sockets: int
    gateways: int


class SocketLeaseStore(Protocol):
    """Where a gateway process writes how many sockets it has, and all are counted. All methods raise MongoUnavailable."""

    async def renew(self, sockets: Mapping[str, int], /) -> None:
        """This process has so many of each of these tenants, for another lease; with 0 it has none any more."""
        ...

    async def gone(self) -> None:
        """This process has no sockets any more."""
        ...

    async def counts(self, tenant: str, /) -> ConnectedCounts:
        """What is connected now; a process that died counts until its leases end."""
        ...
