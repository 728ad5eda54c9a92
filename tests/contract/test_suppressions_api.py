"""The suppression list over the producers' API."""

from __future__ import annotations

from typing import Any

import pytest

from shared.model.topics import Topics
from shared.mongo import profiles
from shared.mongo.database import Database
from tests.contract.suppressions_scene import Api
from tests.support import samples as a
from tests.support.twins.publisher import MemoryPublisher

pytestmark = pytest.mark.real
ADA = {"kind": "email", "address": "Ada@example.com"}


@pytest.fixture
async def api(database: Database) -> Api:
    found = Api(database)
    await found.start()
    return found


async def test_an_address_is_put_shown_and_taken_off_again(api: Api) -> None:
    put = await api.ask("PUT", ADA | {"reason": "bounced"})
    assert (put.status, put.json()["reason"], put.json()["category"]) == (200, "bounced", None)
    assert put.json()["by"] == api.keys["acme"].split("_")[1]
    assert (await api.ask("PUT", ADA | {"reason": "bounced"})).json() == put.json()
    await api.ask("PUT", ADA | {"category": "news"})
    assert await api.entries(ADA) == [("bounced", None), ("manual", "news")]
    assert await api.entries(ADA | {"address": "aDA@example.com"}) == await api.entries(ADA)
    assert (await api.ask("DELETE", ADA | {"reason": "manual"})).status == 404
    assert (await api.ask("DELETE", ADA)).status == 204
    assert await api.entries(ADA) == [("manual", "news")]
    assert (await api.ask("DELETE", ADA | {"category": "news"})).status == 204
    gone = await api.ask("DELETE", ADA | {"category": "news"})
    assert (gone.status, gone.json()["code"]) == (404, "unknown_suppression")


async def test_a_tenants_list_is_its_own(api: Api) -> None:
    await api.ask("PUT", ADA)
    assert await api.entries(ADA, key="other") == []
    assert (await api.ask("DELETE", ADA, key="other")).status == 404
    refused = await api.ask("PUT", ADA, key="sender")
    assert (refused.status, refused.json()["code"]) == (403, "missing_scope")


async def test_whoever_has_the_address_is_announced_before_the_answer(api: Api) -> None:
    await profiles.write(
        api.database, MemoryPublisher(), Topics(), tenant="acme", user="ada", change=lambda _: a.profile()
    )
    await api.ask("PUT", ADA)
    assert api.told() == [("acme", "ada")]
    api.log.outages.add()
    assert (await api.ask("DELETE", ADA)).status == 503, "not known to be told: repeat it"
    assert (await api.ask("DELETE", ADA)).status == 404
    assert len(api.log.written) == 2, "though there is nothing to delete any more it is told again"


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        ({}, "/kind"),
        ({"kind": "fax", "address": "1"}, "/kind"),
        ({"kind": "email"}, "/address"),
        ({"kind": "email", "address": "Ada <a@b.c>"}, "/address"),
        ({"kind": "phone", "address": "0151"}, "/address"),
        (ADA | {"category": "a/b"}, "/category"),
        (ADA | {"category": ""}, "/category"),
        (ADA | {"reason": "annoying"}, "/reason"),
        (ADA | {"catgory": "x"}, "/catgory"),
    ],
)
async def test_what_is_wrong_is_named(api: Api, value: Any, pointer: str) -> None:
    for method in ("PUT", "DELETE"):
        answer = await api.ask(method, value)
        assert answer.status == 422
        assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert await api.database.suppressions.count_documents({}) == 0
