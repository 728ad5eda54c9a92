"""Where a client is: its address, behind proxies that are trusted to name it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]
_IPV6_PREFIX = 64
"""What one client of IPv6 has at the least (RFC 6177)."""


def parse_networks(text: str) -> Networks:
    """Comma-separated networks or single addresses. Raises ValueError."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def parse_address(text: str) -> Address | None:
    """With or without a port; None: it is no address. One of IPv4 that is written as IPv6 is the one of IPv4."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def client_address(peer: str, forwarded: Sequence[str], trusted: Networks) -> Address | None:
    """The nearest address that is no trusted proxy's: each of these names at the end who came to it.

    `forwarded` are the values of X-Forwarded-For. Only what trusted proxies wrote is looked at, so nothing that a
    client has sent. None: the peer has no address.
    """
    address = parse_address(peer)
    for text in _from_the_end(forwarded):
        if address is None or not is_within(address, trusted):
            return address
        named = parse_address(text)
        if named is None:
            return address
        address = named
    return address


def is_within(address: Address, networks: Networks) -> bool:
    """Whether it is in one of them."""
    return any(address in network for network in networks)


def one_client(address: Address) -> str:
    """What stands for all addresses of one client: it has many of IPv6."""
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((int(address), _IPV6_PREFIX), strict=False))


def _from_the_end(values: Iterable[str]) -> Iterator[str]:
    for value in reversed(tuple(values)):
        yield from reversed(value.split(","))
