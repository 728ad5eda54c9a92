"""Whatever a provider does, an attempt ends in bounded time with an outcome, and the next message is taken as before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from math import inf
from typing import Any

import pytest

from services.delivery.core.attempts import Failed, Outcome, ProviderUnavailable, Rejected, Sent
from tests.contract.providers import CASES
from tests.contract.providers.case import ApiCase
from tests.contract.sinks import Sink

pytestmark = pytest.mark.real
DOWN = (ProviderUnavailable, Failed)
FAULTS: dict[str, tuple[dict[str, Any], Any]] = {
    "hangs": ({"mode": "hang"}, Failed),
    "trickles": ({"mode": "trickle"}, Outcome),
    "pours": ({"mode": "huge"}, Outcome),
    "babbles": ({"mode": "garbage"}, Outcome),
    "closes": ({"mode": "down"}, DOWN),
    "redirects": ({"mode": "status", "status": 302}, ProviderUnavailable),
    "wants our credentials": ({"mode": "status", "status": 401}, ProviderUnavailable),
    "fails": ({"mode": "status", "status": 500}, DOWN),
    "is overloaded": ({"mode": "status", "status": 503}, DOWN),
    **{
        f"throttles, Retry-After: {wait}": ({"mode": "status", "status": 429, "retry_after": wait}, ProviderUnavailable)
        for wait in ("3", "0", "-1", "1000000000000", "soon", "Wed, 21 Oct 2099 07:28:00 GMT", "Sun, 99 Nov 9999")
    },
}


@pytest.fixture(params=CASES.values(), ids=list(CASES))
def case(request: pytest.FixtureRequest, sink: Sink) -> ApiCase:
    found: ApiCase = request.param
    return found.at(f"http://127.0.0.1:{sink.http}")


@pytest.fixture
async def healthy(sink: Sink) -> AsyncIterator[Sink]:
    await sink.call("DELETE", "/messages")
    await sink.call("DELETE", "/faults")
    yield sink
    await sink.call("DELETE", "/faults")


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_attempt_ends_and_the_next_is_taken(healthy: Sink, case: ApiCase, fault: str) -> None:
    plan, usual = FAULTS[fault]
    outcome = case.outcomes.get(fault, usual)
    sender = case.sender(f"http://127.0.0.1:{healthy.http}")
    try:
        await healthy.call("PUT", "/faults", json={"providers": {case.name: plan}})
        assert isinstance(await sender.send(case.delivery(1), case.workflow(), inf), outcome)
        await healthy.call("DELETE", "/faults")
        assert isinstance(await sender.send(case.delivery(2), case.workflow(), inf), Sent)
        found = (await healthy.call("GET", "/messages"))["messages"]
        assert [case.delivery_id(message) for message in found][-1] == "delivery-2"
    finally:
        await sender.close()


async def test_what_is_refused_for_one_recipient_is_taken_for_another(healthy: Sink, case: ApiCase) -> None:
    await healthy.call("PUT", "/faults", json={"providers": {case.name: {**case.permanent, "only": case.named(1)}}})
    sender = case.sender(f"http://127.0.0.1:{healthy.http}")
    try:
        assert isinstance(await sender.send(case.delivery(1), case.workflow(), inf), Rejected)
        assert isinstance(await sender.send(case.delivery(2), case.workflow(), inf), Sent)
    finally:
        await sender.close()
