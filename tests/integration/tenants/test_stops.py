"""The emergency stop on real services: what is accepted is held, then sent once or cancelled, in one call."""

from __future__ import annotations

import asyncio

import pytest

from tests.integration.tenants.scene import Tenant, carillon, tenant
from tests.support.env import Harness
from tests.support.wait import until

pytestmark = pytest.mark.timeout(240)
MANY = 20
STOPS = "/v1/tenant/stops"


@pytest.fixture
async def acme(product: Harness) -> Tenant:
    return await tenant(product)


async def people(of: Tenant, count: int = MANY) -> list[str]:
    return list(await asyncio.gather(*(of.person(f"u{number}") for number in range(count))))


async def test_what_is_stopped_is_held_and_a_release_sends_each_once(acme: Tenant, product: Harness) -> None:
    users, other = await people(acme), await tenant(product)
    await other.person("u0")
    await acme.send(*users)
    await acme.until_mailed(users)  # the router knows by now that nothing is stopped
    await acme.call("PUT", STOPS, json={})
    first = await acme.send(*users)
    await other.send("u0")
    await acme.until_held(MANY)
    await other.until_mailed(["u0"])

    async def told() -> bool:
        return "'reason': 'stopped'" in str(await acme.timeline(first[0]))

    await until(told, what="a timeline that says what it waits for", timeout=60)
    lifted = await acme.call("POST", f"{STOPS}/release", json={})
    assert lifted == {"stops": [], "holds_released": MANY, "holds_cancelled": 0, "complete": True}
    await acme.until_mailed(users, 2)
    await acme.until_held(0)
    async with product.database() as database:
        deeds = await database.audit.find({"tenant": acme.name}).sort("at", 1).to_list(None)
    assert [each["action"] for each in deeds] == ["tenant_stopped", "stops_released"]
    assert deeds[1]["details"] == {"released": MANY, "cancelled": 0}
    assert deeds[0]["actor"] not in {"", "cli"}


async def test_what_is_decided_while_a_stop_is_lifted_is_neither_left_nor_doubled(acme: Tenant) -> None:
    users = await people(acme, 10)
    rounds = 6
    for _ in range(rounds):
        await acme.call("PUT", STOPS, json={})
        sending = [asyncio.create_task(acme.send(*users)) for _ in range(4)]
        await asyncio.sleep(0)
        await sending[0]
        await acme.call("POST", f"{STOPS}/release", json={})
        await asyncio.gather(*sending)
    await acme.until_mailed(users, 4 * rounds)
    await acme.until_held(0)


async def test_a_stopped_channel_holds_its_part_and_a_cancel_ends_it(acme: Tenant) -> None:
    users = await people(acme, 10)
    await acme.call("PUT", STOPS, json={"channel": "email"})
    sent = await acme.send(*users)
    await acme.until_held(10)

    async def in_inboxes() -> bool:
        return all(await asyncio.gather(*map(acme.inbox, users)))

    await until(in_inboxes, what="the part that is not stopped", timeout=60)
    kept = await acme.call("POST", f"{STOPS}/cancel", json={"channel": "email", "keep": True})
    assert (kept["holds_cancelled"], kept["holds_released"]) == (10, 0)
    assert [stop["channel"] for stop in kept["stops"]] == ["email"]

    async def ended() -> bool:
        found = await asyncio.gather(*map(acme.timeline, sent))
        states = [{row.get("channel"): row["state"] for row in each["channels"]} for each in found if each]
        return len(states) == 10 and all(each.get("email") == "cancelled" for each in states)

    await until(ended, what="cancelled mails in the timelines", timeout=60)
    await acme.send(*users)
    await acme.until_held(10)
    lifted = await acme.call("POST", f"{STOPS}/release", json={"channel": "email"})
    assert (lifted["holds_released"], lifted["stops"]) == (10, [])
    await acme.until_mailed(users)


async def test_a_cancel_lifts_the_stop_and_its_repetition_says_the_same(acme: Tenant) -> None:
    users = await people(acme, 5)
    await acme.call("PUT", STOPS, json={"workflow": "order.shipped"})
    await acme.send(*users)
    await acme.until_held(5)
    same = {"json": {"workflow": "order.shipped"}, "headers": {"idempotency-key": "k"}}
    first = await acme.call("POST", f"{STOPS}/cancel", **same)
    assert first["holds_cancelled"] == 5
    assert await acme.call("POST", f"{STOPS}/cancel", **same) == first
    await acme.send(*users)
    await acme.until_mailed(users)


async def test_a_name_that_looks_wrong_is_said(acme: Tenant, product: Harness) -> None:
    code, said, aside = await carillon(product, "stop", "--tenant", f"{acme.name}x", "--workflow", "a.b")
    assert (code, "No key and no workflow" in aside, f"{acme.name}x  a.b" in said) == (0, True, True)
    code, _, aside = await carillon(product, "stop", "--tenant", acme.name, "--workflow", "order.shiped")
    assert "Nobody has published a workflow order.shiped" in aside
    code, said, aside = await carillon(product, "stop", "--tenant", acme.name, "--channel", "fax")
    assert (code, "There is no channel 'fax'" in aside) == (1, True)
    for name in (acme.name, f"{acme.name}x"):
        await carillon(product, "resume", "--tenant", name)


async def test_the_command_line_stops_everything_and_resumes(acme: Tenant, product: Harness) -> None:
    users = await people(acme, 5)
    code, said, _ = await carillon(product, "stop", "--everything")
    try:
        assert (code, "all tenants  everything" in said) == (0, True)
        await acme.send(*users)
        await acme.until_held(5)
        shown = await acme.call("GET", STOPS)
        assert (shown["stops"], len(shown["environment_stops"])) == ([], 1)
        lifted = await acme.call("POST", f"{STOPS}/release", json={})
        assert lifted["holds_released"] == 0, "what the platform's operator stopped stays"
        _, said, _ = await carillon(product, "stop", "--list")
        assert "stops: 1, held because of them: 5" in said
    finally:
        code, said, _ = await carillon(product, "resume", "--everything")
    assert (code, "5 released, 0 cancelled" in said) == (0, True)
    await acme.until_mailed(users)
    async with product.database() as database:
        deeds = await database.audit.find({"tenant": "*"}).sort("at", -1).to_list(2)
    assert [(each["action"], each["actor"]) for each in deeds] == [("stops_released", "cli"), ("tenant_stopped", "cli")]
