"""Where a webhook must not go, in every spelling we know."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Any

import pytest
from yarl import URL

from services.delivery.outbound.guard import Forbidden, Guard, GuardedResolver

LITERALS = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "169.254.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.9",
    "192.0.0.170",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "127.1",
    "127.0.1",
    "0",
    "0x7f.0.0.1",
    "0x7f000001",
    "0X7F.1",
    "0177.0.0.1",
    "0177.1",
    "017700000001",
    "2130706433",
    "0x0a.0.0.1",
    "012.0.0.1",
    "167772161",
    "0xa9fea9fe",
    "2852039166",
    "10.1",
    "192.168.257",
    "0xc0.0xa8.0.1",
    "0300.0250.0.1",
    "3232235521",
    "00000177.0.0.1",
    "0x0000007f.1",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::7f00:1]",
    "[::127.0.0.1]",
    "[::10.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::FFFF:10.0.0.1]",
    "[::ffff:169.254.169.254]",
    "[0:0:0:0:0:ffff:192.168.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[::ffff:0:7f00:1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::1]",
    "[64:ff9b:1:ffff::a00:1]",
    "[2002:7f00:1::]",
    "[2002:7f00:1::1]",
    "[2002:a00:1::]",
    "[2002:c0a8:1::1]",
    "[2002:a9fe:a9fe::]",
    "[2001::1]",
    "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
    "[2001:10::1]",
    "[2001:20::1]",
    "[2001:db8::1]",
    "[3fff::1]",
    "[5f00::1]",
    "[fc00::1]",
    "[fd00::1]",
    "[fd12:3456:789a::1]",
    "[fe80::1]",
    "[fe80::1%eth0]",
    "[fe80::1%251]",
    "[::1%1]",
    "[fec0::1]",
    "[ff02::1]",
    "[ff05::1:3]",
    "[ff0e::1]",
    "[100::1]",
]
USERINFO = [
    "http://example.com@127.0.0.1/",
    "http://example.com:80@10.0.0.1:8080/",
    "http://8.8.8.8%40@[::1]/",
    "http://a:b@0x7f.1/x",
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.216.34", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.167.1.1", "198.20.0.1",
          "223.255.255.255", "134744072", "0x08.8.8.8", "[2606:4700::1111]", "[2a00:1450:4001::1]", "[::ffff:8.8.8.8]"]  # fmt: skip


def host(spelling: str) -> str:
    return URL(f"http://{spelling}/").host or ""


@pytest.mark.parametrize("spelling", LITERALS)
def test_forbidden(spelling: str) -> None:
    with pytest.raises(Forbidden):
        Guard().check_host(host(spelling))


@pytest.mark.parametrize("url", USERINFO)
def test_forbidden_behind_a_user_name(url: str) -> None:
    with pytest.raises(Forbidden):
        Guard().check_host(URL(url).host or "")


@pytest.mark.parametrize("spelling", ["１２７.０.０.１", "①②⑦.⓪.⓪.①", "127。0。0。1"])
def test_forbidden_in_other_scripts(spelling: str) -> None:
    with pytest.raises(Forbidden):
        Guard().check_host(host(spelling))


@pytest.mark.parametrize("spelling", PUBLIC)
def test_public(spelling: str) -> None:
    Guard().check_host(host(spelling))


@pytest.mark.parametrize(
    "name", ["example.com", "a..b", "xn--bcher-kva.example", "localhost.example.com", "", "1.2.3.4.5"]
)
def test_names_are_left_to_the_resolver(name: str) -> None:
    Guard().check_host(name)


def test_there_are_many_and_python_alone_would_let_some_pass() -> None:
    assert len(set(LITERALS)) + len(USERINFO) >= 60
    passing = []
    for spelling in LITERALS:
        try:
            if ip_address(spelling.strip("[]").partition("%")[0]).is_global:
                passing.append(spelling)
        except ValueError:
            continue
    assert {"[64:ff9b::7f00:1]", "224.0.0.1", "[ff0e::1]"} <= set(passing)


def test_what_the_operator_allows() -> None:
    guard = Guard("127.0.0.0/8, 10.1.0.0/16,fd00::/8")
    for allowed in ("127.0.0.1", "0x7f.1", "10.1.2.3", "[fd00::1]", "[::ffff:127.0.0.1]"):
        guard.check_host(host(allowed))
    for forbidden in ("10.2.0.1", "[::1]", "169.254.169.254", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]"):
        with pytest.raises(Forbidden):
            guard.check_host(host(forbidden))


def test_an_operator_who_mistypes_is_told() -> None:
    with pytest.raises(ValueError, match="127"):
        Guard("127.0.0.1/33")


class Names:
    """The system's resolver, with names of our own."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(self, host: str, port: int, family: socket.AddressFamily) -> list[dict[str, Any]]:
        return [
            {"hostname": host, "host": address, "port": port, "family": family, "proto": 0, "flags": 0}
            for address in self.addresses
        ]

    async def close(self) -> None: ...


async def resolved(*addresses: str) -> list[str]:
    resolver = GuardedResolver(Guard())
    await resolver._resolver.close()
    resolver._resolver = Names(*addresses)  # type: ignore[assignment]  # stands in for the system's
    return [entry["host"] for entry in await resolver.resolve("hooks.example.com", 443)]


async def test_every_address_of_a_name_is_checked() -> None:
    assert await resolved("8.8.8.8", "1.1.1.1") == ["8.8.8.8", "1.1.1.1"]
    for inside in ("127.0.0.1", "10.0.0.1", "::1", "fe80::1%2", "::ffff:10.0.0.1", "64:ff9b::1"):
        with pytest.raises(Forbidden):
            await resolved("8.8.8.8", inside)
