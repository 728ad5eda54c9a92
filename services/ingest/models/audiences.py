"""Bodies about audiences: topics' subscribers, all users of a tenant, and what is under way to them."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from pydantic import AfterValidator, ConfigDict, Field, field_validator, model_validator

from services.ingest.models.body import Body
from services.ingest.models.fields import UserId, field_error
from services.ingest.models.profiles import PreferenceSet
from shared.model.channels import Channel
from shared.model.errors import Invalid, InvalidWorkflow
from shared.model.fanouts import FanoutProgress, FanoutState
from shared.model.profiles import Preferences
from shared.model.recipients import MAX_RECIPIENTS
from shared.model.subscriptions import Subscription
from shared.model.timestamps import rfc3339
from shared.model.workflow_recipients import MAX_TOPIC, Audience, Everybody, check_audience, check_topic

MAX_PAGE: Final = 500
FANOUT_ID: Final = "5c1c9b8e-29f4-5d56-8f0f-4f6f4a0f3a12"


def _checked_topic(value: str) -> str:
    try:
        return check_topic(value, "")
    except Invalid as error:
        raise field_error(error) from error


TopicName = Annotated[
    str, AfterValidator(_checked_topic), Field(json_schema_extra={"minLength": 1, "maxLength": MAX_TOPIC})
]


class AudienceBody(Body):
    """A topic's subscribers, or all users; `where` leaves those of whom it holds."""

    topic: TopicName | None = Field(None, description="its subscribers")
    users: Everybody | None = Field(None, description="all users of the tenant")
    where: dict[str, object] | None = Field(
        None, description='what must hold of a user\'s profile, as {"profile.locale": ["de", "en"]}'
    )

    @model_validator(mode="after")
    def _is_one(self) -> AudienceBody:
        audience = self.as_audience()
        try:
            # A name in which nothing stands for a value of the data, unlike a workflow's.
            check_audience(msgspec.structs.replace(audience, topic=audience.topic and "x"), "")
        except InvalidWorkflow as error:
            raise field_error(error) from error
        return self

    def as_audience(self) -> Audience:
        """As the model has it."""
        return Audience(topic=self.topic, users=self.users, where=self.where)


class _Users(Body):
    users: list[UserId] = Field(min_length=1, max_length=MAX_RECIPIENTS, description=f"1 to {MAX_RECIPIENTS} user ids")


class SubscribeRequest(_Users):
    """Subscribe users to a topic. Preferences are theirs for this topic alone; left out, they stay as they are."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"users": ["ada", "bob"], "preferences": {"channel_types": {"email": False}}}]}
    )

    preferences: PreferenceSet | None = Field(None, description="categories, workflows, channel_types")

    @field_validator("preferences")
    @classmethod
    def _names_channels(cls, preferences: PreferenceSet | None) -> PreferenceSet | None:
        unknown = sorted(preferences.channel_types.keys() - set(Channel)) if preferences else []
        if unknown:
            detail = f"{unknown[0]!r} is no channel; the channels are {', '.join(Channel)}"
            raise field_error(Invalid("invalid", detail, "/channel_types"))
        return preferences

    def as_preferences(self) -> Preferences | None:
        """As the model has them."""
        return None if self.preferences is None else msgspec.convert(self.preferences.model_dump(), Preferences)


class UnsubscribeRequest(_Users):
    """Unsubscribe users from a topic."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"users": ["ada"]}]})


class Subscribers(Body):
    """What was done to a topic."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"topic": "thread:7", "users": 2}]})

    topic: str
    users: int = Field(description="how many of those named are subscribed, or were until now")


class SubscriptionShown(Body):
    """One user's subscription of one topic."""

    topic: str
    user: str
    preferences: PreferenceSet


class SubscriptionPage(Body):
    """Subscriptions in order, and where the next page begins."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "subscriptions": [
                        {"topic": "thread:7", "user": "ada", "preferences": {"channel_types": {"email": False}}}
                    ],
                    "next": None,
                }
            ]
        }
    )

    subscriptions: list[SubscriptionShown]
    next: str | None = Field(description="`after` of the next page; null: there is none")


class FanoutShown(Body):
    """How far a fan-out is; it counts the pages that are done."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": FANOUT_ID,
                    "event": "0b0f3d5c-3c43-5f3e-9a55-7d1d0c6f9a10",
                    "workflow": "chat.new_message",
                    "version": 3,
                    "state": "running",
                    "pages": 4,
                    "recipients": 1998,
                    "skipped": 2,
                    "started_at": "2026-01-05T08:00:00.000Z",
                    "topic": "thread:7",
                }
            ]
        }
    )

    id: str
    event: str = Field(description="what it tells of, as at GET /v1/events/{id}")
    workflow: str
    version: int
    state: FanoutState
    pages: int = Field(description="read so far, of up to 500 members each")
    recipients: int = Field(description="who got a notification so far")
    skipped: int = Field(description="members of whom `where` does not hold")
    started_at: str
    ended_at: str | None = None
    topic: str | None = None
    listed: int | None = Field(None, description="how many recipients were named, if they were")


def show_fanout(found: FanoutProgress) -> dict[str, object]:
    """As FanoutShown says; what is not there is left out."""
    shown = msgspec.to_builtins(found)
    del shown["tenant"]
    times = {name: rfc3339(shown[name]) for name in ("started_at", "ended_at") if shown[name] is not None}
    return {name: value for name, value in {**shown, **times}.items() if value is not None}


def show_subscriptions(found: list[Subscription], next_page: str | None) -> dict[str, object]:
    """As SubscriptionPage says."""
    rows = [
        {"topic": each.topic, "user": each.user, "preferences": msgspec.to_builtins(each.preferences)} for each in found
    ]
    return {"subscriptions": rows, "next": next_page}
