"""Topics: who is subscribed. A change counts for everything that is decided after its call answered."""

from __future__ import annotations

from typing import Annotated, Final

import pymongo
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Scope

from services.ingest.admission import Admission
from services.ingest.core.user_path import NotUtf8, text_of_path
from services.ingest.models.audiences import (
    MAX_PAGE,
    SubscribeRequest,
    Subscribers,
    SubscriptionPage,
    UnsubscribeRequest,
    show_subscriptions,
)
from services.ingest.models.body import read
from services.ingest.openapi import operation
from services.ingest.users_api import register_user_ids
from shared.http.bodies import read_body
from shared.http.json_bodies import json_answer, parse_json, require_json
from shared.http.openapi import json_of
from shared.http.problems import Problem
from shared.model.errors import Invalid
from shared.model.identifiers import check_user_id
from shared.model.workflow_recipients import check_topic
from shared.mongo import api_keys
from shared.mongo.subscriptions import Subscriptions

TOPICS: Final = "/v1/topics"
USERS: Final = "/v1/users"
BEHIND: Final = b"/subscriptions"
ANSWER_SECONDS: Final = 1.5
FIX: Final = "Percent-encode names in the path as UTF-8: /v1/topics/thread%2F7/subscriptions"

PageAfter = Annotated[str, Query(description="`next` of the page before")]
PageLimit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="at most so many")]


class _Behind(APIRoute):
    """A path that ends so on the wire; an id with an encoded slash in it is another path."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As any route's."""
        ends = scope["type"] == "http" and scope.get("raw_path", b"").partition(b"?")[0].endswith(BEHIND)
        return super().matches(scope) if ends else (Match.NONE, {})


def topic_routes(*, admission: Admission, subscriptions: Subscriptions) -> APIRouter:
    """`/v1/topics/{topic}/subscriptions` and `/v1/users/{id}/subscriptions`; before the routes of users."""
    register_user_ids()
    routes = APIRouter(tags=["topics"], route_class=_Behind)

    async def asked(request: Request) -> object:
        require_json(request)
        return parse_json(await read_body(request))

    @routes.put(
        TOPICS + "/{topic:user_id}/subscriptions",
        **operation(
            "subscribe",
            "Subscribe up to 100 users to a topic",
            answer=(200, Subscribers),
            refusals=(400, 413, 415, 422),
            body=json_of(SubscribeRequest),
        ),
    )
    async def subscribe(request: Request, topic: str) -> Response:
        """200 when all of them are subscribed; whoever was stays so."""
        del topic  # the server decoded it leniently
        caller = await admission.caller(request, api_keys.Scope.USERS)
        name = _topic(request)
        wanted = read(SubscribeRequest, await asked(request))
        with pymongo.timeout(ANSWER_SECONDS):
            lives = await subscriptions.lives(caller.tenant, wanted.users)
            await subscriptions.put(caller.tenant, name, lives, wanted.as_preferences())
        return json_answer({"topic": name, "users": len(lives)})

    @routes.delete(
        TOPICS + "/{topic:user_id}/subscriptions",
        **operation(
            "unsubscribe",
            "Unsubscribe up to 100 users from a topic",
            answer=(200, Subscribers),
            refusals=(400, 413, 415, 422),
            body=json_of(UnsubscribeRequest),
        ),
    )
    async def unsubscribe(request: Request, topic: str) -> Response:
        """200: what is decided from now on does not reach them by the topic."""
        del topic
        caller = await admission.caller(request, api_keys.Scope.USERS)
        name = _topic(request)
        wanted = read(UnsubscribeRequest, await asked(request))
        with pymongo.timeout(ANSWER_SECONDS):
            removed = await subscriptions.remove(caller.tenant, name, wanted.users)
        return json_answer({"topic": name, "users": removed})

    @routes.get(
        TOPICS + "/{topic:user_id}/subscriptions",
        **operation(
            "listSubscribers", "List a topic's subscriptions", answer=(200, SubscriptionPage), refusals=(400, 422)
        ),
    )
    async def subscribers(request: Request, topic: str, after: PageAfter = "", limit: PageLimit = 100) -> Response:
        """200, in order of user; a topic that nobody is subscribed to is empty."""
        del topic
        caller = await admission.caller(request, api_keys.Scope.USERS)
        name = _topic(request)
        with pymongo.timeout(ANSWER_SECONDS):
            found = await subscriptions.of_topic(caller.tenant, name, after=after, most=limit)
        return json_answer(show_subscriptions(found, found[-1].user if len(found) == limit else None))

    @routes.get(
        USERS + "/{user:user_id}/subscriptions",
        **operation(
            "listSubscriptions", "List a user's subscriptions", answer=(200, SubscriptionPage), refusals=(400, 422)
        ),
    )
    async def of_user(request: Request, user: str, after: PageAfter = "", limit: PageLimit = 100) -> Response:
        """200, in order of topic."""
        del user
        caller = await admission.caller(request, api_keys.Scope.USERS)
        name = check_user_id(_name(request, USERS), "")
        with pymongo.timeout(ANSWER_SECONDS):
            found = await subscriptions.of_user(caller.tenant, name, after=after, most=limit)
        return json_answer(show_subscriptions(found, found[-1].topic if len(found) == limit else None))

    return routes


def _topic(request: Request) -> str:
    """The topic in the path. Raises Problem."""
    try:
        return check_topic(_name(request, TOPICS), "")
    except Invalid as error:
        raise Problem(422, error.code, error.detail, fix=FIX) from error


def _name(request: Request, prefix: str) -> str:
    """What stands in the path before its end, decoded. Raises Problem."""
    path = request.scope["raw_path"].partition(b"?")[0].removesuffix(BEHIND)
    try:
        return text_of_path(path, prefix) or ""
    except NotUtf8 as error:
        raise Problem(400, "invalid_path", "the path is not UTF-8", fix=FIX) from error
