"""How many sockets an address may have: each limit by itself, and nothing is left of sockets that have ended."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.core.limits import HANDSHAKE_BURST_SECONDS, HANDSHAKES_PER_ADDRESS
from services.gateway.live.core.address_limits import AddressLimit, AddressLimits, Place
from services.gateway.live.core.client_address import parse_networks
from shared.process.gateway_metrics import ADDRESS_LIMITS

ANN, BOB = "203.0.113.1", "203.0.113.2"


def limits(*, sockets: int = 3, unauthenticated: int = 2, handshakes: float = 1_000, **networks: str) -> AddressLimits:
    return AddressLimits(
        sockets=sockets,
        unauthenticated=unauthenticated,
        handshakes=handshakes,
        trusted=parse_networks(networks.get("trusted", "10.0.0.0/8")),
        unlimited=parse_networks(networks.get("unlimited", "10.0.0.0/8,127.0.0.0/8")),
    )


def place(found: Place | AddressLimit | None) -> Place:
    assert isinstance(found, Place), found
    return found


def test_so_many_sockets_and_one_that_ends_makes_room() -> None:
    found = limits()
    places = [place(found.enter(ANN, [], 0)) for _ in range(2)]
    for one in places:
        one.authenticated()
        one.authenticated()
    places.append(place(found.enter(ANN, [], 0)))
    assert found.enter(ANN, [], 0) is AddressLimit.SOCKETS
    place(found.enter(BOB, [], 0))
    places[0].leave()
    places[0].leave()
    place(found.enter(ANN, [], 0))
    assert found.enter(ANN, [], 0) is AddressLimit.SOCKETS


def test_so_many_that_have_shown_no_token() -> None:
    found = limits()
    first = place(found.enter(ANN, [], 0))
    second = place(found.enter(ANN, [], 0))
    assert found.enter(ANN, [], 0) is AddressLimit.UNAUTHENTICATED
    first.authenticated()
    place(found.enter(ANN, [], 0))
    second.leave()
    place(found.enter(ANN, [], 0))


def test_so_many_handshakes_and_again_after_a_while() -> None:
    found = limits(sockets=100, unauthenticated=100, handshakes=0.2)
    for _ in range(2):
        place(found.enter(ANN, [], 0)).leave()
    assert found.enter(ANN, [], 0) is AddressLimit.HANDSHAKES
    assert found.enter(ANN, [], 1) is AddressLimit.HANDSHAKES
    place(found.enter(BOB, [], 1))
    place(found.enter(ANN, [], 6))


def test_who_a_proxy_forwards_is_counted_and_who_forwards_is_not() -> None:
    found = limits(sockets=1)
    place(found.enter("10.1.1.1", [ANN], 0))
    assert found.enter("10.2.2.2", [f"198.51.100.1, {ANN}"], 0) is AddressLimit.SOCKETS
    place(found.enter("10.1.1.1", [BOB], 0))
    assert [found.enter(peer, [], 0) for peer in ("10.1.1.1", "127.0.0.1", "::ffff:127.0.0.1", "", "/run/x")] == [
        None
    ] * 5


def test_with_no_unlimited_networks_everybody_is_counted() -> None:
    found = limits(sockets=1, unlimited="")
    place(found.enter("127.0.0.1", [], 0))
    assert found.enter("127.0.0.1", [], 0) is AddressLimit.SOCKETS


@given(
    st.lists(
        st.tuples(
            st.sampled_from([ANN, BOB, "2001:db8::1", "2001:db8::2"]), st.sampled_from(["enter", "auth", "leave"])
        ),
        max_size=60,
    )
)
def test_nothing_is_left_of_those_that_have_ended(steps: list[tuple[str, str]]) -> None:
    found = limits()
    places: list[tuple[str, Place]] = []
    for address, step in steps:
        if step == "enter":
            entered = found.enter(address, [], 0)
            if isinstance(entered, Place):
                places.append((address, entered))
        elif own := [one for of, one in places if of == address]:
            own[-1].authenticated() if step == "auth" else own[-1].leave()
    for _, one in places:
        one.leave()
    assert found.counted == 0
    for address in (ANN, BOB, "2001:db8::1"):
        for _ in range(2):
            place(found.enter(address, [], 0))


def test_a_client_of_ipv6_has_one_place_for_all_of_its_addresses() -> None:
    found = limits(sockets=1)
    place(found.enter("2001:db8:1::1", [], 0))
    assert found.enter("2001:db8:1::2", [], 0) is AddressLimit.SOCKETS
    place(found.enter("2001:db8:2::1", [], 0))


def test_who_fills_a_process_may_come_back_to_it_at_once() -> None:
    """All clients behind one address lose their sockets together when a process ends."""
    assert HANDSHAKES_PER_ADDRESS * HANDSHAKE_BURST_SECONDS >= 1_000


def test_each_limit_is_counted_from_zero() -> None:
    assert set(ADDRESS_LIMITS) == {str(limit) for limit in AddressLimit}
