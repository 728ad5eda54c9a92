"""A user who is deleted while their preferences are on the way changes nothing of whoever has the id next."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from fastapi import FastAPI

from services.gateway.preferences.api import preferences_routes
from shared.catalog.cache import Catalog
from shared.http.problems import install_problems
from shared.model.topics import Topics
from shared.model.users import User
from shared.mongo import profiles as stored
from shared.mongo.database import Database
from tests.support import samples as a
from tests.support.asgi import AsgiAnswer, ask_app
from tests.support.twins.publisher import MemoryPublisher

pytestmark = pytest.mark.real
TOPICS = Topics()
PATH = "/api/v1/notifications/preferences"
EMAIL_OFF = orjson.dumps({"email_notifications": False})


@pytest.fixture
def api(database: Database) -> FastAPI:
    """Whoever calls was looked at in their first life: then it ended."""

    async def identify() -> User:
        return User(tenant="acme", id="ada", expires_at=1e12, life=0)

    catalog: Any = Catalog(SimpleNamespace(workflows=None))
    made = FastAPI()
    install_problems(made)
    made.include_router(preferences_routes(database, MemoryPublisher(), TOPICS, catalog, identify))
    return made


async def put(database: Database) -> None:
    await stored.write(
        database, MemoryPublisher(), TOPICS, tenant="acme", user="ada", change=lambda _: a.profile(zone="Europe/Oslo")
    )


async def both(api: FastAPI) -> list[AsgiAnswer]:
    return [await ask_app(api, "PUT", PATH, body=EMAIL_OFF), await ask_app(api, "GET", PATH)]


async def test_a_user_of_this_life_reads_and_writes(api: FastAPI, database: Database) -> None:
    assert [answer.status for answer in await both(api)] == [200, 200], "a first profile, too"
    await put(database)
    assert [answer.status for answer in await both(api)] == [200, 200]


async def test_a_successor_is_neither_shown_nor_changed(api: FastAPI, database: Database) -> None:
    await put(database)
    await stored.remove(database, MemoryPublisher(), TOPICS, tenant="acme", user="ada")
    await put(database)
    before = await stored.read(database, "acme", "ada")
    answers = await both(api)
    assert [(answer.status, answer.json()["code"]) for answer in answers] == [(401, "unauthorized")] * 2
    assert await stored.read(database, "acme", "ada") == before


async def test_who_is_deleted_does_not_come_back_by_it(api: FastAPI, database: Database) -> None:
    await put(database)
    await stored.remove(database, MemoryPublisher(), TOPICS, tenant="acme", user="ada")
    assert (await ask_app(api, "PUT", PATH, body=EMAIL_OFF)).status == 401
    assert await stored.read(database, "acme", "ada") is None
