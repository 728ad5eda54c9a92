"""Whose socket it is: nothing that a client sends makes it another's, nothing that is named breaks it."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.gateway.live.core.client_address import client_address, is_within, one_client, parse_networks
from services.gateway.settings import GatewaySettings

PROXIES = parse_networks("10.0.0.0/8, 2001:db8:ff::/48,192.0.2.7")
CLIENT = "203.0.113.9"


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        (CLIENT, [], CLIENT),
        (CLIENT, ["198.51.100.1"], CLIENT),  # no proxy of ours: what it says counts for nothing
        ("10.1.2.3", [], "10.1.2.3"),
        ("10.1.2.3", [CLIENT], CLIENT),
        ("10.1.2.3", [f"198.51.100.1, {CLIENT}"], CLIENT),
        ("10.1.2.3", ["198.51.100.1", CLIENT], CLIENT),
        ("10.1.2.3", [f"{CLIENT}, 10.9.9.9", "192.0.2.7"], CLIENT),
        ("10.1.2.3", ["10.4.4.4,10.5.5.5"], "10.4.4.4"),
        ("10.1.2.3", ["unknown"], "10.1.2.3"),
        ("10.1.2.3", [f"{CLIENT}, unknown"], "10.1.2.3"),
        ("10.1.2.3", [""], "10.1.2.3"),
        ("10.1.2.3", [f"{CLIENT}:50123"], CLIENT),
        ("10.1.2.3", [f"::ffff:{CLIENT}"], CLIENT),
        ("::ffff:10.1.2.3", [CLIENT], CLIENT),
        ("2001:db8:ff::1", ["[2001:db8::5]:443"], "2001:db8::5"),
        ("2001:db8:ff::1", [" 2001:db8::5 "], "2001:db8::5"),
        ("", [CLIENT], None),
        ("/run/socket", [CLIENT], None),
    ],
)
def test_the_nearest_address_that_is_no_proxys(peer: str, forwarded: list[str], found: str | None) -> None:
    assert client_address(peer, forwarded, PROXIES) == (ip_address(found) if found else None)


@given(st.lists(st.text(max_size=40)), st.ip_addresses())
def test_what_a_client_sends_is_never_looked_at(sent: list[str], client) -> None:
    """A proxy writes the client's address behind whatever came."""
    address = client_address(str(client), [], PROXIES)
    assert address is not None
    if not is_within(address, PROXIES):
        assert client_address("10.1.2.3", [*sent, str(client)], PROXIES) == address
        assert client_address(str(client), sent, PROXIES) == address


@given(st.lists(st.text(max_size=60)))
def test_nothing_that_is_named_breaks_it(sent: list[str]) -> None:
    assert client_address("10.1.2.3", sent, PROXIES) is not None


def test_all_addresses_of_a_client_are_one() -> None:
    ours = {one_client(ip_address(text)) for text in ("2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:0:1::")}
    assert ours == {"2001:db8::/64"}
    assert one_client(ip_address("2001:db8:0:1::1")) not in ours
    assert one_client(ip_address(CLIENT)) == CLIENT


@pytest.mark.parametrize("text", ["10.0.0.1/8", "10.0.0.0/33", "proxy.example", "10.0.0.0/8;10.0.0.1", "*"])
@pytest.mark.parametrize("setting", ["trusted_proxies", "unlimited_networks"])
def test_what_is_no_network_is_refused_at_start(setting: str, text: str) -> None:
    with pytest.raises(ValidationError, match=setting):
        GatewaySettings(token_secret="s" * 32, **{setting: text})
