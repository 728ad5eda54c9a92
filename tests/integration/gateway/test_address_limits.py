"""Limits by client address, behind a proxy that names whom it forwards: what a client is told, and that others get in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.integration.gateway.stage import token
from tests.integration.gateway.under_attack import UnderAttack, attacking
from tests.support.env import Harness
from tests.support.raw_sockets import RawSocket, raw_socket, say
from tests.support.wait import until

ADDRESS, OTHER = "203.0.113.1", "203.0.113.2"
SOCKETS, UNAUTHENTICATED = 4, 2


@pytest.fixture
async def scene(harness: Harness) -> AsyncIterator[UnderAttack]:
    harness.more = {
        "CARILLON_SOCKETS_PER_ADDRESS": str(SOCKETS),
        "CARILLON_UNAUTHENTICATED_PER_ADDRESS": str(UNAUTHENTICATED),
        "CARILLON_HANDSHAKES_PER_ADDRESS": "2",
        "CARILLON_TRUSTED_PROXIES": "127.0.0.0/8",
    }
    await harness.start("gateway")
    async with attacking(harness) as found:
        yield found


def of(address: str) -> dict[str, str]:
    """What the proxy writes behind what the client has sent."""
    return {"X-Forwarded-For": f"198.51.100.77, {address}"}


async def live(opened: RawSocket, user: str) -> None:
    await opened.send(say(type="auth", token=token(user)))
    while (await opened.next())["type"] != "live":
        pass


async def refused(scene: UnderAttack, address: str) -> int:
    async with raw_socket(scene.port, of(address)) as opened:
        return await opened.code()


async def test_sockets_of_one_address(scene: UnderAttack):
    async with AsyncExitStack() as stack:
        entering = [scene.socket(**of(ADDRESS)) for _ in range(UNAUTHENTICATED)]
        sockets = [await stack.enter_async_context(one) for one in entering]
        assert await refused(scene, ADDRESS) == 1013
        assert await scene.rejected("unauthenticated_per_address") == 1
        for opened in sockets:
            await live(opened, "ann")
        for number in range(SOCKETS - UNAUTHENTICATED):
            await stack.enter_async_context(scene.socket(f"user-{number}", **of(ADDRESS)))
        assert await refused(scene, ADDRESS) == 1013
        assert await scene.rejected("sockets_per_address") == 1
        async with scene.socket("bob", **of(OTHER)), scene.socket("bob"):
            pass

    async def room() -> bool:
        async with raw_socket(scene.port, of(ADDRESS)) as opened:
            await opened.send(say(type="auth", token="junk"))
            return await opened.code() == 4401

    await until(room, what="room, when sockets of the address have ended")


async def test_handshakes_of_one_address(scene: UnderAttack):
    """Twenty at once, then two a second: none of them is open for long."""
    codes = []
    while 4429 not in codes:
        async with raw_socket(scene.port, of(ADDRESS)) as opened:
            await opened.send(say(type="auth", token="junk"))
            codes.append(await opened.code())
    assert set(codes[:-1]) == {4401}
    assert len(codes) > 20
    assert await scene.rejected("handshakes_per_address") == 1
    async with scene.socket("bob", **of(OTHER)) as bob:
        assert bob.told[-1]["type"] == "live"


async def test_more_than_can_be_told_by_a_code_get_a_plain_answer(scene: UnderAttack):
    async def one() -> tuple[int, int | None]:
        async with raw_socket(scene.port, of(ADDRESS)) as opened:
            return opened.status, await opened.code() if opened.status == 101 else None

    async def many() -> None:
        found = set(await asyncio.gather(*(one() for _ in range(300))))
        assert found <= {(101, 1013), (101, 4429), (101, 4408), (429, None), (503, None)}
        assert (101, 4429) in found

    await scene.serves_others(many())
