"""Which addresses a recipient's endpoint may have: public ones, and what the operator allows.

An explicit list, because `ipaddress.is_global` says yes to ways back into our own network (NAT64, 6to4,
v4-compatible and v4-translated, all in ::/8; multicast). Every address of a name is checked, and the checked address is the one connected to.
"""

from __future__ import annotations

import socket
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult

from services.delivery.outbound.resolver import PooledResolver

Network = IPv4Network | IPv6Network
MAX_KEPT: Final = 10_000
"""Hosts that are remembered as allowed."""

FORBIDDEN: Final[tuple[Network, ...]] = tuple(
    ip_network(text)
    for text in [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/8",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    ]
)


class Forbidden(OSError):
    """The address leads somewhere a recipient's endpoint must not be. An OSError, so that aiohttp passes it through."""


def parse_networks(text: str) -> tuple[Network, ...]:
    """Comma-separated CIDRs. Raises ValueError."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


class Guard:
    """Says whether an address may be connected to."""

    def __init__(self, allowed: str = "") -> None:
        self._allowed = parse_networks(allowed)
        self.check_host = lru_cache(maxsize=MAX_KEPT)(self._check_host)
        """Raises Forbidden when a host is an address, in any spelling the system understands, and forbidden."""

    def check(self, text: str) -> None:
        """Raises Forbidden unless the IP address `text` may be reached."""
        address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if any(address in network for network in self._allowed):
            return
        if any(address in network for network in FORBIDDEN):
            raise Forbidden("forbidden_address")

    def _check_host(self, host: str) -> None:
        try:
            self.check(host.strip("[]"))
        except ValueError:
            try:
                self.check(socket.inet_ntoa(socket.inet_aton(host)))
            except OSError as error:
                if isinstance(error, Forbidden):
                    raise


class GuardedResolver(AbstractResolver):
    """Resolves once and checks every address; the connection goes to what was checked."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._resolver: AbstractResolver = PooledResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """As aiohttp's; raises Forbidden when any address of the name is forbidden."""
        found = await self._resolver.resolve(host, port, family)
        for entry in found:
            self._guard.check(entry["host"])
        return found

    async def close(self) -> None:
        """Ends its threads."""
        await self._resolver.close()
