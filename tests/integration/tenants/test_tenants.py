"""Tenants on real services: two with the same ids never meet; settings, defaults, limits, brand."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.integration.tenants.scene import Tenant, carillon, tenant
from tests.support.env import Harness
from tests.support.wait import until

pytestmark = pytest.mark.timeout(240)
EVENT = {"specversion": "1.0", "id": "e-1", "source": "/shop", "type": "order.shipped"}


@pytest.fixture
async def pair(product: Harness) -> tuple[Tenant, Tenant]:
    return await tenant(product), await tenant(product)


async def test_two_tenants_with_equal_ids_never_meet(pair: tuple[Tenant, Tenant], product: Harness) -> None:
    one, two = pair
    for each in pair:
        await each.person("ada", name=each.name)
        event = EVENT | {"data": {"users": ["ada"], "order": each.name}}
        kind = {"content-type": "application/cloudevents+json"}
        await each.call("POST", "/v1/events", 202, json=event, headers=kind)
    for each in pair:
        await each.until_mailed(["ada"])
        (mail,) = await each.mails("ada")
        assert mail["subject"] == f"Order {each.name}"

        async def item(of: Tenant = each) -> list[dict[str, Any]]:
            return await of.inbox("ada")

        (shown,) = await until(item, what=f"the inbox of {each.name}", timeout=60)
        assert shown["title"] == f"Order {each.name}"
    # An opt-out, a cancel by key, a deletion: of one alone.
    await one.call("PATCH", "/v1/users/ada", json={"preferences": {"channel_types": {"email": False}}})
    later = {"deliver_at": "2027-01-05T08:00:00Z", "cancellation_key": "k"}
    (first,), (second,) = await one.send("ada", **later), await two.send("ada", **later)
    assert first != second
    async with product.database() as database:

        async def both_held() -> bool:
            return await database.holds.count_documents({"notification": {"$in": [first, second]}}) == 2

        await until(both_held, what="two holds", timeout=60)
        answer = await one.call("POST", "/v1/notifications/cancel", 202, json={"cancellation_key": "k"})
        assert answer["holds_cancelled"] == 1

        async def one_left() -> bool:
            found = await database.holds.find({"notification": {"$in": [first, second]}}).to_list(None)
            return [row["tenant"] for row in found] == [two.name]

        await until(one_left, what="the hold of the other tenant", timeout=60)
        await one.send("ada")
        await two.send("ada")
        await two.until_mailed(["ada"], 2)
        await one.call("DELETE", "/v1/users/ada", 204)
        assert (await two.call("GET", "/v1/users/ada"))["name"] == two.name
        for collection in ("decisions", "deliveries", "profiles", "holds"):
            rows = await database[collection].find({"tenant": {"$in": [one.name, two.name]}}).to_list(None)
            for row in rows:
                mine, theirs = (one, two) if row["tenant"] == one.name else (two, one)
                assert theirs.name not in str(row), (collection, mine.name)
    assert len(await one.mails("ada")) == 1, "opted out in time"
    status, _, _ = await one.answer("GET", f"/v1/notifications/{second}/timeline", service="console")
    assert status == 404


async def test_what_a_tenant_sets_counts_at_once_and_a_users_own_choice_before_it(product: Harness) -> None:
    acme = await tenant(product)
    await acme.person("ada")
    await acme.person("bob", preferences={"channel_types": {"email": True}})
    await acme.send("ada", "bob")
    await acme.until_mailed(["ada", "bob"])
    body = {"preferences": {"channel_types": {"email": False}}}
    answer = await acme.call("PATCH", "/v1/tenant", json=body)
    assert (answer["id"], answer["preferences"]["channel_types"]) == (acme.name, {"email": False})
    for _ in range(3):
        await acme.send("ada", "bob")
    await acme.until_mailed(["bob"], 4)

    async def in_inbox() -> bool:
        return len(await acme.inbox("ada")) == 4

    await until(in_inbox, what="ada's inbox", timeout=60)
    assert len(await acme.mails("ada")) == 1
    assert await acme.call("PATCH", "/v1/tenant", 422, json={"stops": []})
    async with product.database() as database:
        (deed,) = await database.audit.find({"tenant": acme.name}).to_list(None)
    assert (deed["action"], deed["details"]) == ("tenant_changed", {"fields": "preferences"})


async def test_texts_are_dressed_in_the_tenants_brand(pair: tuple[Tenant, Tenant], product: Harness) -> None:
    one, two = pair
    code, said, _ = await carillon(product, "tenants", "set", one.name, '{"brand": {"signature": "Yours, Acme"}}')
    assert (code, '"signature": "Yours, Acme"' in said) == (0, True)
    for each, signature in ((one, "Yours, Acme"), (two, "Nobody")):
        await each.person("ada")
        await each.send("ada")
        await each.until_mailed(["ada"])
        (mail,) = await each.mails("ada")
        assert f"{signature} of {each.name}" in str(mail)


async def test_a_tenant_that_calls_too_often_is_told_when_to_come_back(product: Harness) -> None:
    acme = await tenant(product)
    await acme.call("PATCH", "/v1/tenant", json={"limits": {"requests_per_second": 2}})
    await acme.call("GET", "/v1/users/nobody", 404)  # the process knows the limit now
    answers = await asyncio.gather(*(acme.answer("GET", "/v1/users/nobody") for _ in range(20)))
    assert {status for status, _, _ in answers} == {404, 429}
    refused = [(body, headers) for status, body, headers in answers if status == 429]
    assert all(body["code"] == "rate_limited" and headers["Retry-After"] == "1" for body, headers in refused)
    await acme.call("GET", "/v1/tenant")
    other = await tenant(product)
    await asyncio.gather(*(other.call("GET", "/v1/users/nobody", 404) for _ in range(20)))


async def test_a_key_without_the_scope_changes_nothing(product: Harness) -> None:
    acme = await tenant(product)
    _, made, _ = await carillon(
        product, "key", "create", "--name", "s", "--scope", "send", "--scope", "users", "--tenant", acme.name
    )
    narrow = Tenant(name=acme.name, key=made.strip(), product=product)
    for method, path in (("GET", ""), ("PATCH", ""), ("GET", "/stops"), ("PUT", "/stops"), ("POST", "/stops/cancel")):
        refused = await narrow.call(method, f"/v1/tenant{path}", 403, json={})
        assert refused["code"] == "missing_scope"


async def test_a_tenant_is_created_with_a_first_key(product: Harness) -> None:
    name = (await tenant(product)).name + "x"
    code, key, _ = await carillon(product, "tenants", "create", name, "--name", "Acme")
    assert code == 0
    made = Tenant(name=name, key=key.strip(), product=product)
    assert (await made.call("GET", "/v1/tenant"))["name"] == "Acme"
    code, _, aside = await carillon(product, "tenants", "create", name)
    assert (code, "is there already" in aside) == (1, True)
    _, said, _ = await carillon(product, "tenants", "list")
    assert name in said
    code, _, aside = await carillon(product, "tenants", "set", name, '{"brand": {"1": "x"}}')
    assert (code, "/brand/1" in aside) == (1, True)
