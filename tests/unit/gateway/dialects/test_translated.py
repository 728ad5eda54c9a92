"""A connection whose client speaks a dialect: the same bounds, and nobody else's trouble."""

from __future__ import annotations

import asyncio

import msgspec

from services.gateway.dialects.core.dashboard import Dashboard
from services.gateway.dialects.translated import TranslatedConnection
from tests.support.sockets import FakeSocket
from tests.unit.gateway.live_gateway import LiveGateway


class Puzzled(Dashboard):
    """It cannot read what is about the item n2."""

    def encode(self, message: bytes):
        if b'"n2"' in message:
            raise msgspec.ValidationError
        return super().encode(message)


async def test_what_cannot_be_translated_cuts_off_its_own_client_only() -> None:
    gateway = LiveGateway()
    puzzled, other = FakeSocket(), FakeSocket()
    running = [
        asyncio.create_task(TranslatedConnection(socket, gateway.context, dialect).run("ann", None))
        for socket, dialect in ((puzzled, Puzzled()), (other, Dashboard()))
    ]
    update = "dashboard.notification.update"
    for socket in (puzzled, other):
        await socket.next(update)
    await gateway.arrive("ann", 1, 2, 3)
    shown = [told["data"]["notification"]["id"] for told in other.told if "notification" in told.get("data", {})]
    assert shown == ["n1", "n2", "n3"]
    await puzzled.until(lambda: puzzled.code == 1013)
    other.end(1000)
    async with asyncio.timeout(10):
        await asyncio.gather(*running)
