"""A user's own preferences over HTTP, against a real MongoDB: told before the answer, and nobody else's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from fastapi import FastAPI

from services.gateway.preferences.api import preferences_routes
from shared.catalog.cache import Catalog
from shared.http.problems import install_problems
from shared.model.records import decode_record
from shared.model.timestamps import rfc3339
from shared.model.topics import Topics
from shared.model.users import User
from shared.mongo import profiles as stored
from shared.mongo.database import Database
from shared.process.clock import now_ms
from tests.support import samples as a
from tests.support.asgi import AsgiAnswer, ask_app
from tests.support.twins.publisher import MemoryPublisher

pytestmark = pytest.mark.real
TOPICS = Topics()
PREFIX = "/api/v1/notifications/preferences"
SOON = rfc3339(now_ms() + a.DAY)


class Edge:
    """The routes, and who calls them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.log = MemoryPublisher()
        self.caller = User(tenant="acme", id="ada", expires_at=1e12)

        async def identify() -> User:
            return self.caller

        catalog: Any = Catalog(SimpleNamespace(workflows=None))
        self.app = FastAPI()
        install_problems(self.app)
        self.app.include_router(preferences_routes(database, self.log, TOPICS, catalog, identify))

    async def ask(self, method: str, path: str, value: Any = None) -> AsgiAnswer:
        return await ask_app(self.app, method, PREFIX + path, body=b"" if value is None else orjson.dumps(value))


@pytest.fixture
def edge(database: Database) -> Edge:
    return Edge(database)


async def test_a_mute_is_one_call_and_told_before_the_answer(edge: Edge) -> None:
    put = await edge.ask("PUT", "/mute", {"until": SOON})
    assert (put.status, put.json()) == (200, {"until": SOON})
    assert [decode_record(output.value).user for output in edge.log.written] == ["ada"]
    assert (await edge.ask("GET", "/all")).json()["mute_until"] == SOON
    row = await edge.database.profiles.find_one({"user": "ada"})
    assert row["format"] == 2, "an older version must not send what is muted"
    assert (await edge.ask("DELETE", "/mute")).json() == {"until": None}
    assert "format" not in await edge.database.profiles.find_one({"user": "ada"})


async def test_all_of_it_is_changed_and_shown(edge: Edge) -> None:
    body = {
        "categories": {"news": False}, "workflows": {"a.b": True}, "channel_types": {"email": False},
        "digests": {"*": "weekly"}, "quiet_hours": {"windows": [{"from": "22:00", "until": "07:00"}], "zone": "Europe/Oslo"},
        "mute_until": SOON,
    }  # fmt: skip
    put = await edge.ask("PUT", "/all", body)
    assert put.status == 200
    assert put.json() == (await edge.ask("GET", "/all")).json()
    assert {name: put.json()[name] for name in ("categories", "digests")} == {
        "categories": {"news": False},
        "digests": {"*": "weekly"},
    }
    assert put.json()["quiet_hours"]["windows"][0]["from"] == "22:00"


async def test_a_user_sees_and_changes_their_own_alone(edge: Edge) -> None:
    await edge.ask("PUT", "/all", {"categories": {"news": False}})
    for tenant, user in (("acme", "eve"), ("other", "ada")):
        edge.caller = User(tenant=tenant, id=user, expires_at=1e12)
        assert (await edge.ask("GET", "/all")).json()["categories"] == {}
        await edge.ask("PUT", "/mute", {"until": SOON})
    profile = await stored.read(edge.database, "acme", "ada")
    assert profile is not None
    assert (profile.mute_until, profile.preferences.categories) == (None, {"news": False})


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/mute", {"until": "tomorrow"}, "/until"),
        ("/mute", {"until": 5}, "/until"),
        ("/mute", {}, "/until"),
        ("/mute", {"until": None, "user": "eve"}, "/user"),
        ("/all", {"tenant": "other"}, "/tenant"),
        ("/all", {"categories": {"news": "no"}}, "/categories/news"),
        ("/all", {"digests": {"*": "yearly"}}, "/digests/*"),
        ("/all", {"quiet_hours": {"windows": [{"until": "07:00"}]}}, "/quiet_hours/windows/0/from"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_stored(edge: Edge, path: str, body: Any, pointer: str) -> None:
    answer = await edge.ask("PUT", path, body)
    assert answer.status == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert await edge.database.profiles.count_documents({}) == 0


async def test_a_successor_is_neither_shown_nor_changed(edge: Edge) -> None:
    for removes in (True, False):
        await stored.write(
            edge.database, MemoryPublisher(), TOPICS, tenant="acme", user="ada", change=lambda _: a.profile()
        )
        if removes:
            await stored.remove(edge.database, MemoryPublisher(), TOPICS, tenant="acme", user="ada")
    before = await stored.read(edge.database, "acme", "ada")
    calls = [("GET", "/all", None), ("PUT", "/all", {}), ("PUT", "/mute", {"until": SOON}), ("DELETE", "/mute", None)]
    assert [(await edge.ask(*call)).status for call in calls] == [401] * 4
    assert await stored.read(edge.database, "acme", "ada") == before
