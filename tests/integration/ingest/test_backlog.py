"""A queue that overflows pushes back: with the router gone ingest refuses at its bound, and all that it took is delivered."""

from __future__ import annotations

import pytest

from carillon import AsyncClient, ProblemError
from tests.support.env import Harness
from tests.support.wait import until

MOST = 20


@pytest.mark.timeout(300)  # services start twice
async def test_what_was_accepted_is_delivered_and_the_rest_was_refused(harness: Harness) -> None:
    await harness.start("ingest", "router", "delivery", "gateway", CARILLON_MAX_WAITING=str(MOST))
    await harness.call("PUT", "/v1/users/ada", json={"name": "Ada"})
    body = {"workflow": "workorders.message", "recipients": ["ada"]}
    accepted: list[str] = []
    refusals: set[tuple] = set()

    async def refused() -> bool:
        async with AsyncClient(harness.url("ingest"), await harness.api_key(), patience=0.01) as carillon:
            try:
                made = await carillon.notify(body["workflow"], body["recipients"], data={"message": "x"})
            except ProblemError as problem:
                refusals.add((problem.status, problem.code, problem.retry_after))
                return True
        accepted.append(made["notifications"][0]["id"])
        return False

    async def inbox() -> set[str]:
        headers = {"authorization": f"Bearer {harness.token('ada')}"}
        page = await harness.call("GET", "/api/v1/notifications?limit=100", service="gateway", headers=headers)
        return {each["id"] for each in page["notifications"]}

    assert not await refused()
    await until(lambda: _same(inbox, accepted), what="the first one is delivered")
    harness.services["router"].kill()
    await until(refused, what="the bound is reached")
    assert refusals == {(503, "too_many_waiting", 5)}
    assert len(accepted) >= MOST
    await harness.call("POST", "/v1/notifications/cancel", json={"cancellation_key": "k"})
    await harness.call("PUT", "/v1/users/bob", json={"name": "Bob"})
    await harness.revive("router")
    await harness.start_spawned("router")
    async with AsyncClient(harness.url("ingest"), await harness.api_key(), patience=60) as patient:
        made = await patient.notify(body["workflow"], body["recipients"], data={"message": "after Retry-After"})
    accepted.append(made["notifications"][0]["id"])
    await until(lambda: _same(inbox, accepted), what="all that was accepted is delivered")


async def _same(inbox, accepted: list[str]) -> bool:
    return await inbox() == set(accepted)
