"""A user's own subscriptions: out always, in if the operator lets them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from fastapi import FastAPI

from services.gateway.settings import GatewaySettings
from services.gateway.subscriptions.api import subscription_routes
from shared.http.problems import install_problems
from shared.model.profiles import Preferences
from shared.model.users import User
from tests.support.asgi import ask_app
from tests.support.twins.fanouts import MemorySubscriptions
from tests.unit.gateway.scenes import ANN

PATH = "/api/v1/notifications/subscriptions"


class Api:
    """The routes over a twin, for one user."""

    def __init__(self, *, self_subscribe: bool = False, life: int = 0) -> None:
        self.subscriptions = MemorySubscriptions()
        stores: dict[str, Any] = {"subscriptions": self.subscriptions}
        ann = User(tenant=ANN.tenant, id=ANN.id, expires_at=ANN.expires_at, life=life)

        async def identify() -> User:
            return ann

        who: Any = identify
        rights = GatewaySettings(token_secret="s" * 32, self_subscribe=self_subscribe)
        self.app = FastAPI()
        install_problems(self.app)
        self.app.include_router(subscription_routes(stores["subscriptions"], who, rights))

    async def ask(self, method: str, query: str = "", body: object = None) -> tuple[int, Any]:
        raw = b"" if body is None else orjson.dumps(body)
        answer = await ask_app(self.app, method, f"{PATH}?{query}", body=raw)
        return answer.status, answer.json()


async def test_a_user_leaves_a_topic() -> None:
    api = Api()
    await api.subscriptions.put("default", "thread:7", {"ann": 0, "bob": 0})
    status, found = await api.ask("DELETE", "topic=thread:7")
    assert (status, found["subscribed"]) == (200, False)
    assert [key.user for key in api.subscriptions.rows] == ["bob"]


async def test_a_user_enters_a_topic_only_where_they_may() -> None:
    api = Api()
    status, refused = await api.ask("PUT", "topic=thread:7")
    assert (status, refused["code"]) == (403, "self_subscribe_off")
    assert not api.subscriptions.rows
    api = Api(self_subscribe=True)
    assert (await api.ask("PUT", "topic=thread:7"))[1]["subscribed"] is True
    assert len(api.subscriptions.rows) == 1


async def test_a_subscriber_chooses_what_they_want_of_it() -> None:
    api = Api()
    await api.subscriptions.put("default", "thread:7", {"ann": 0})
    wanted = {"categories": {}, "workflows": {"thread.reply": False}, "channel_types": {"email": False}}
    assert (await api.ask("PUT", "topic=thread:7", wanted))[1]["preferences"] == wanted
    assert (await api.ask("PUT", "topic=thread:7"))[1]["preferences"] == wanted, "no body, no change"
    _, listed = await api.ask("GET")
    assert listed == {
        "subscriptions": [{"topic": "thread:7", "subscribed": True, "preferences": wanted}], "next": None,
    }  # fmt: skip


async def test_what_somebody_else_with_the_id_chose_is_not_theirs() -> None:
    api = Api(life=1)
    await api.subscriptions.put("default", "thread:7", {"ann": 0}, Preferences(channel_types={"email": False}))
    assert (await api.ask("GET"))[1]["subscriptions"] == []
    assert (await api.ask("PUT", "topic=thread:7"))[0] == 403


@pytest.mark.parametrize(
    ("query", "body", "code"),
    [
        ("topic=a%0A", None, "invalid_topic"),
        ("topic=t", {"channel_types": {"email": "no"}}, "invalid_preferences"),
        ("topic=t", {"channels": {}}, "invalid_preferences"),
    ],
)
async def test_what_is_wrong_is_refused(query, body, code) -> None:
    status, found = await Api(self_subscribe=True).ask("PUT", query, body)
    assert (status, found["code"]) == (422, code)
