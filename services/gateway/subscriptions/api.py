"""A user's own subscriptions over HTTP. To leave a topic is always theirs to decide; to enter one, if the operator says so."""

from __future__ import annotations

from codecs import BOM_UTF8
from typing import Annotated, Final, Protocol

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, ValidationError

from services.gateway.core.limits import MAX_PREFERENCES_BYTES
from services.gateway.identity import Identify
from services.gateway.inbox.api import PREFIX
from services.gateway.problem_responses import problem_responses
from shared.http.bodies import read_body
from shared.http.json_bodies import require_uncompressed
from shared.http.pointers import pointer_to
from shared.http.problems import Problem
from shared.model import strict_json
from shared.model.profiles import Preferences
from shared.model.subscriptions import Subscription, SubscriptionKey
from shared.model.users import User
from shared.model.workflow_recipients import MAX_TOPIC, check_topic
from shared.mongo.subscriptions import Subscriptions

MAX_CHOICES: Final = 500
MAX_LISTED: Final = 500

TopicQuery = Annotated[str, Query(min_length=1, max_length=MAX_TOPIC, description="the topic's name, as thread:7")]
_Choices = Annotated[dict[StrictStr, StrictBool], Field(max_length=MAX_CHOICES)]


class TopicPreferences(BaseModel):
    """What of a topic its subscriber wants; an entry that is missing allows. What the profile forbids stays forbidden."""

    model_config = ConfigDict(extra="forbid")

    categories: _Choices = {}
    workflows: _Choices = {}
    channel_types: _Choices = {}


class OwnSubscription(BaseModel):
    """Whether you get what is sent to a topic."""

    topic: str
    subscribed: bool
    preferences: TopicPreferences


class OwnSubscriptions(BaseModel):
    """Your subscriptions, in order of topic."""

    subscriptions: list[OwnSubscription]
    next: str | None = Field(description="`after` of the next page; null: there is none")


class SubscriptionRights(Protocol):
    """What users may do by themselves."""

    @property
    def self_subscribe(self) -> bool:
        """Subscribe to topics."""
        ...


def subscription_routes(subscriptions: Subscriptions, identify: Identify, rights: SubscriptionRights) -> APIRouter:
    """GET, PUT and DELETE of one path."""
    routes = APIRouter(prefix=PREFIX, tags=["subscriptions"], responses=problem_responses(401, 422, 429, 503))
    own = Depends(identify)

    @routes.get("/subscriptions", summary="List your subscriptions")
    async def read(
        user: User = own,
        after: Annotated[str, Query(max_length=MAX_TOPIC, description="`next` of the page before")] = "",
        limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = 100,
    ) -> OwnSubscriptions:
        """What somebody who had the id before was subscribed to is not among them."""
        found = await subscriptions.of_user(user.tenant, user.id, after=after, most=limit)
        mine = [_shown(each) for each in found if each.life == user.life]
        return OwnSubscriptions(subscriptions=mine, next=found[-1].topic if len(found) == limit else None)

    body = {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{TopicPreferences.__name__}"}}}}

    @routes.put(
        "/subscriptions",
        summary="Subscribe, or change what you want of a topic",
        openapi_extra={"requestBody": body},
        responses=problem_responses(403, 408, 413, 415),
    )
    async def write(request: Request, topic: TopicQuery, user: User = own) -> OwnSubscription:
        """Without a body what you chose stays as it is."""
        require_uncompressed(request)
        name = check_topic(topic, "")
        raw = (await read_body(request, MAX_PREFERENCES_BYTES)).removeprefix(BOM_UTF8)
        wanted = _preferences(raw) if raw.strip() else None
        key = SubscriptionKey(user.tenant, name, user.id)
        before = (await subscriptions.find([key])).get(key)
        if not rights.self_subscribe and (before is None or before.life != user.life):
            detail = "users do not subscribe to topics by themselves here"
            fix = "Ask whoever runs the service; operators: CARILLON_SELF_SUBSCRIBE=true."
            raise Problem(403, "self_subscribe_off", detail, fix=fix)
        await subscriptions.put(user.tenant, name, {user.id: user.life}, wanted)
        return _shown((await subscriptions.find([key]))[key])

    @routes.delete("/subscriptions", summary="Unsubscribe from a topic")
    async def remove(topic: TopicQuery, user: User = own) -> OwnSubscription:
        """What is decided from now on does not reach you by the topic."""
        name = check_topic(topic, "")
        await subscriptions.remove(user.tenant, name, [user.id])
        return OwnSubscription(topic=name, subscribed=False, preferences=TopicPreferences())

    return routes


def _shown(found: Subscription) -> OwnSubscription:
    chosen = found.preferences
    preferences = TopicPreferences(
        categories=chosen.categories, workflows=chosen.workflows, channel_types=chosen.channel_types
    )
    return OwnSubscription(topic=found.topic, subscribed=True, preferences=preferences)


def _preferences(raw: bytes) -> Preferences:
    """Raises Problem 422 with every fault, or an Invalid of strict JSON."""
    try:
        form = TopicPreferences.model_validate(strict_json.loads(raw))
    except ValidationError as error:
        raise Problem(
            422,
            "invalid_preferences",
            "the preferences are not valid",
            fix="Nothing was stored. Correct the body as the errors say; the schema is at /openapi.json.",
            pointers=[(pointer_to(fault["loc"]), fault["msg"]) for fault in error.errors()],
        ) from error
    return msgspec.convert(form.model_dump(), Preferences)
