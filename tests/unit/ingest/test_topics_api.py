"""Topics and fan-outs over HTTP."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from fastapi import FastAPI

from services.ingest.admission import Admission
from services.ingest.fanouts_api import fanout_routes
from services.ingest.topics_api import topic_routes
from services.ingest.users_api import user_routes
from shared.http.problems import install_problems
from shared.http.work_limits import ReleasesWork
from shared.mongo.api_keys import Principal, Scope
from tests.support.asgi import ask_app
from tests.support.fanouts import of_list, of_topic
from tests.support.twins.fanouts import MemoryFanouts, MemorySubscriptions
from tests.unit.ingest.scenes import limits


class Keys:
    """The key names its scope."""

    async def principal(self, key: str) -> Principal | None:
        return Principal(key_id="k", tenant="acme", scopes=frozenset({Scope(key)}))


class Api:
    """The routes over twins; `/v1/users/{id}` is there too, for it would take what ends otherwise."""

    def __init__(self) -> None:
        self.subscriptions, self.fanouts = MemorySubscriptions(), MemoryFanouts()
        nothing: Any = None
        admission = Admission(Keys(), limits=limits(), prepare_seconds=1)
        stores: dict[str, Any] = {"subscriptions": self.subscriptions, "fanouts": self.fanouts}
        self.app = FastAPI(redirect_slashes=False)
        install_problems(self.app)
        self.app.add_middleware(ReleasesWork)
        self.app.include_router(fanout_routes(admission=admission, fanouts=stores["fanouts"]))
        self.app.include_router(topic_routes(admission=admission, subscriptions=stores["subscriptions"]))
        self.app.include_router(
            user_routes(admission=admission, database=nothing, writer=nothing, topics=nothing, webhook_secret="")
        )

    async def ask(self, method: str, path: str, body: object = None, *, scope: str = "users") -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {scope}"}
        if body is not None:
            headers |= {"content-type": "application/json"}
        raw = b"" if body is None else orjson.dumps(body)
        answer = await ask_app(self.app, method, path, headers=headers, body=raw)
        return answer.status, answer.json()


@pytest.fixture
def api() -> Api:
    return Api()


async def test_subscribing_listing_and_unsubscribing(api: Api) -> None:
    path = "/v1/topics/thread%2F7/subscriptions"
    chosen = {"channel_types": {"email": False}}
    assert await api.ask("PUT", path, {"users": ["ada", "bob", "ada"], "preferences": chosen}) == (
        200, {"topic": "thread/7", "users": 2},
    )  # fmt: skip
    status, first = await api.ask("GET", f"{path}?limit=1")
    assert (status, first["next"]) == (200, "ada")
    assert first["subscriptions"] == [{"topic": "thread/7", "user": "ada", "preferences": chosen}]
    _, second = await api.ask("GET", f"{path}?limit=2&after=ada")
    assert ([each["user"] for each in second["subscriptions"]], second["next"]) == (["bob"], None)
    assert await api.ask("DELETE", path, {"users": ["ada", "eve"]}) == (200, {"topic": "thread/7", "users": 1})
    assert (await api.ask("GET", path))[1]["next"] is None


async def test_a_subscription_belongs_to_the_life_of_today(api: Api) -> None:
    api.subscriptions.known_lives["acme", "ada"] = 3
    await api.ask("PUT", "/v1/topics/t/subscriptions", {"users": ["ada"]})
    assert [each.life for each in api.subscriptions.rows.values()] == [3]


async def test_a_users_subscriptions_are_listed(api: Api) -> None:
    for topic in ("a", "b"):
        await api.ask("PUT", f"/v1/topics/{topic}/subscriptions", {"users": ["grace/hopper"]})
    status, found = await api.ask("GET", "/v1/users/grace%2Fhopper/subscriptions?limit=1")
    assert (status, [each["topic"] for each in found["subscriptions"]], found["next"]) == (200, ["a"], "a")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("PUT", "/v1/topics/t%0A/subscriptions", {"users": ["ada"]}, 422, "invalid_topic"),
        ("PUT", "/v1/topics/%FF/subscriptions", {"users": ["ada"]}, 400, "invalid_path"),
        ("PUT", "/v1/topics/t/subscriptions", {"users": []}, 422, "invalid_request"),
        ("PUT", "/v1/topics/t/subscriptions", {"users": ["u"] * 101}, 422, "invalid_request"),
        ("PUT", "/v1/topics/t/subscriptions", {"users": ["a\n"]}, 422, "invalid_request"),
        (
            "PUT", "/v1/topics/t/subscriptions", {"users": ["a"], "preferences": {"channel_types": {"mail": False}}},
            422, "invalid_request",
        ),
        ("GET", "/v1/fanouts/nothing", None, 404, "unknown_fanout"),
        ("POST", "/v1/fanouts/nothing/cancel", None, 404, "unknown_fanout"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_refused(method, path, body, status, code) -> None:
    api = Api()
    scope = "send" if "fanouts" in path else "users"
    found, answer = await api.ask(method, path, body, scope=scope)
    assert (found, answer["code"]) == (status, code)
    assert not api.subscriptions.rows


@pytest.mark.parametrize(("path", "scope"), [("/v1/topics/t/subscriptions", "send"), ("/v1/fanouts/x", "users")])
async def test_each_needs_its_scope(api: Api, path, scope) -> None:
    assert (await api.ask("GET", path, scope=scope))[0] == 403


async def test_a_fan_out_is_shown_and_cancelled(api: Api) -> None:
    started = of_topic()
    await api.fanouts.insert([started, of_list(["a", "b"], event_id="e-2", tenant="other")])
    status, shown = await api.ask("GET", f"/v1/fanouts/{started.id}", scope="send")
    assert (status, shown["state"], shown["topic"], shown["recipients"]) == (200, "running", "thread:7", 0)
    assert "tenant" not in shown
    for _ in range(2):
        status, shown = await api.ask("POST", f"/v1/fanouts/{started.id}/cancel", scope="send")
        assert (status, shown["state"]) == (200, "cancelled")
    other = of_list(["a"], event_id="e-2").id
    assert (await api.ask("GET", f"/v1/fanouts/{other}", scope="send"))[0] == 404
