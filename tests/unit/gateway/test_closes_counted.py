from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from services.gateway.live.core.messages import CloseCode
from shared.process.gateway_metrics import CLOSE_REASONS
from tests.unit.gateway.live_gateway import LiveGateway


def test_every_close_code_has_its_series():
    assert list(CLOSE_REASONS) == [code.name.lower() for code in CloseCode]


@pytest.mark.parametrize(
    ("token", "said", "why"),
    [
        (None, ["auth"], "unauthorized"),
        ("ann", ["ping"] * 200, "too_many_messages"),
    ],
)
async def test_a_socket_that_is_ended_is_counted_once_by_why(token, said, why):
    def counted() -> dict[str, float]:
        found = {
            each: REGISTRY.get_sample_value("carillon_gateway_closes_total", {"why": each}) for each in CLOSE_REASONS
        }
        return {each: value or 0.0 for each, value in found.items()}

    before = counted()
    async with LiveGateway().socket(token) as socket:
        for kind in said:
            socket.say(type=kind, token="?")
        await socket.until(lambda: socket.code is not None)
    assert {each: value - before[each] for each, value in counted().items() if value != before[each]} == {why: 1.0}


async def test_who_leaves_by_themselves_is_not_counted():
    before = REGISTRY.get_sample_value("carillon_gateway_closes_total", {"why": "restart"})
    async with LiveGateway().socket("ann") as socket:
        await socket.next("hello")
    assert REGISTRY.get_sample_value("carillon_gateway_closes_total", {"why": "restart"}) == before
