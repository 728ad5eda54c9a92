"""How many sockets the clients of one address may have in a process, and how often they may open one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from services.gateway.core.limits import HANDSHAKE_BURST_SECONDS, MAX_LIMITED_ADDRESSES
from services.gateway.live.core.client_address import Networks, client_address, is_within, one_client
from shared.model.token_buckets import TokenBuckets


class AddressLimit(StrEnum):
    """Which one was reached."""

    SOCKETS = "sockets_per_address"
    UNAUTHENTICATED = "unauthenticated_per_address"
    HANDSHAKES = "handshakes_per_address"


class AddressLimits:
    """Of one process. Addresses of `unlimited` networks, and peers that have none, are not counted."""

    def __init__(
        self, *, sockets: int, unauthenticated: int, handshakes: float, trusted: Networks, unlimited: Networks
    ) -> None:
        """`handshakes` per second; `trusted` are the proxies that name whom they forward."""
        self._most_sockets = sockets
        self._most_unauthenticated = unauthenticated
        self._handshakes = TokenBuckets(
            rate=handshakes, burst=handshakes * HANDSHAKE_BURST_SECONDS, most=MAX_LIMITED_ADDRESSES
        )
        self._trusted = trusted
        self._unlimited = unlimited
        self._sockets: Counter[str] = Counter()
        self._unauthenticated: Counter[str] = Counter()

    def enter(self, peer: str, forwarded: Sequence[str], now: float) -> Place | AddressLimit | None:
        """A place for one more socket at `now` (monotonic seconds), or why there is none. None: it is not counted."""
        address = client_address(peer, forwarded, self._trusted)
        if address is None or is_within(address, self._unlimited):
            return None
        client = one_client(address)
        if not self._handshakes.take(client, now):
            return AddressLimit.HANDSHAKES
        if self._sockets[client] >= self._most_sockets:
            return AddressLimit.SOCKETS
        if self._unauthenticated[client] >= self._most_unauthenticated:
            return AddressLimit.UNAUTHENTICATED
        self._sockets[client] += 1
        self._unauthenticated[client] += 1
        return Place(client, self._sockets, self._unauthenticated)

    @property
    def counted(self) -> int:
        """Addresses that have a socket here: no other is remembered."""
        return len(self._sockets)


class Place:
    """One socket's, to be left when it ends."""

    __slots__ = ("_client", "_counted")

    def __init__(self, client: str, sockets: Counter[str], unauthenticated: Counter[str]) -> None:
        self._client = client
        self._counted = [sockets, unauthenticated]

    def authenticated(self) -> None:
        """Whose it is, is known. Again: nothing."""
        if len(self._counted) > 1:
            _less(self._counted.pop(), self._client)

    def leave(self) -> None:
        """The socket has ended. Again: nothing."""
        while self._counted:
            _less(self._counted.pop(), self._client)


def _less(counts: Counter[str], client: str) -> None:
    counts[client] -= 1
    if not counts[client]:
        del counts[client]
