"""A user may have so many sockets in one process: with one more the oldest goes, and the others miss nothing."""

from __future__ import annotations

from prometheus_client import REGISTRY

from services.gateway.live.core.messages import CloseCode
from tests.support.wait import turns_until
from tests.unit.gateway.live_gateway import LiveGateway
from tests.unit.gateway.test_connection import offsets


async def test_of_more_sockets_than_a_user_may_have_the_oldest_is_closed() -> None:
    gateway = LiveGateway()
    gateway.registry._most = 2
    before = REGISTRY.get_sample_value("carillon_gateway_connections") or 0
    async with gateway.socket() as oldest, gateway.socket() as phone:
        await oldest.next("live")
        await phone.next("live")
        async with gateway.socket() as laptop:
            await laptop.next("live")
            await turns_until(lambda: oldest.code is not None, what="the oldest is closed")
            assert (oldest.code, phone.code) == (CloseCode.REPLACED, None)
            assert REGISTRY.get_sample_value("carillon_gateway_connections") == before + 2
            await gateway.arrive("ann", 1)
            assert [offsets(one) for one in (oldest, phone, laptop)] == [[], [1], [1]]
    assert REGISTRY.get_sample_value("carillon_gateway_connections") == before
