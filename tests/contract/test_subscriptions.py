"""Subscriptions: of a topic in order of user, of a user in order of topic, and of one life."""

from __future__ import annotations

import pytest

from shared.model.profiles import Preferences
from shared.model.subscriptions import Subscription, SubscriptionKey
from shared.mongo.subscriptions import Subscriptions
from shared.process.clock import now_ms
from tests.support.twins.fanouts import MemorySubscriptions

NO_MAIL = Preferences(channel_types={"email": False}, workflows={"order.shipped": True})
TOPIC = "thread:7"


@pytest.fixture
def subscriptions(implementation: str, request: pytest.FixtureRequest) -> Subscriptions | MemorySubscriptions:
    return MemorySubscriptions() if implementation == "twin" else Subscriptions(request.getfixturevalue("database"))


def of(user: str, topic: str = TOPIC, **more) -> Subscription:
    return Subscription(tenant="acme", topic=topic, user=user, **more)


async def test_a_topic_is_read_in_pages(subscriptions) -> None:
    users = [f"u-{number}" for number in range(5)]
    await subscriptions.put("acme", TOPIC, dict.fromkeys(reversed(users), 0))
    first = await subscriptions.of_topic("acme", TOPIC, most=3)
    assert [each.user for each in first] == users[:3]
    rest = await subscriptions.of_topic("acme", TOPIC, after=first[-1].user, most=3)
    assert [each.user for each in rest] == users[3:]


async def test_topics_and_tenants_whose_names_begin_alike_are_apart(subscriptions) -> None:
    for topic in ("thread", "thread:7", "thread:77", "thread 7"):
        await subscriptions.put("acme", topic, {f"of {topic}": 0})
    await subscriptions.put("acme2", "thread", {"of another tenant": 0})
    assert [each.user for each in await subscriptions.of_topic("acme", "thread", most=9)] == ["of thread"]
    assert [each.user for each in await subscriptions.of_topic("acme", "thread:7", most=9)] == ["of thread:7"]


async def test_a_user_finds_what_they_are_subscribed_to(subscriptions) -> None:
    for topic in ("c", "a", "b"):
        await subscriptions.put("acme", topic, {"ada": 0, "bob": 0})
    found = await subscriptions.of_user("acme", "ada", most=2)
    assert [each.topic for each in found] == ["a", "b"]
    assert await subscriptions.of_user("acme", "ada", after="b", most=2) == [of("ada", "c")]


async def test_subscribing_again_keeps_what_was_chosen(subscriptions) -> None:
    await subscriptions.put("acme", TOPIC, {"ada": 0}, NO_MAIL)
    await subscriptions.put("acme", TOPIC, {"ada": 0, "bob": 0})
    ada, bob = await subscriptions.of_topic("acme", TOPIC, most=9)
    assert (ada.preferences, bob) == (NO_MAIL, of("bob"))
    await subscriptions.put("acme", TOPIC, {"ada": 0}, Preferences())
    (ada,) = await subscriptions.of_topic("acme", TOPIC, most=1)
    assert ada == of("ada", changed_at=ada.changed_at)


async def test_when_what_was_chosen_changed_is_known(subscriptions) -> None:
    key = SubscriptionKey("acme", TOPIC, "ada")
    await subscriptions.put("acme", TOPIC, {"ada": 0})
    assert (await subscriptions.find([key]))[key].changed_at == 0
    before = now_ms()
    await subscriptions.put("acme", TOPIC, {"ada": 0}, NO_MAIL)
    changed_at = (await subscriptions.find([key]))[key].changed_at
    assert before <= changed_at <= now_ms()
    await subscriptions.put("acme", TOPIC, {"ada": 0})
    assert (await subscriptions.find([key]))[key].changed_at == changed_at


async def test_who_has_the_id_later_inherits_nothing(subscriptions) -> None:
    await subscriptions.put("acme", TOPIC, {"ada": 0}, NO_MAIL)
    await subscriptions.put("acme", TOPIC, {"ada": 1})
    assert await subscriptions.of_topic("acme", TOPIC, most=9) == [of("ada", life=1)]


async def test_unsubscribing_says_how_many_were(subscriptions) -> None:
    await subscriptions.put("acme", TOPIC, {"ada": 0, "bob": 0})
    assert await subscriptions.remove("acme", TOPIC, ["ada", "eve"]) == 1
    assert [each.user for each in await subscriptions.of_topic("acme", TOPIC, most=9)] == ["bob"]


async def test_decide_finds_those_that_there_are(subscriptions) -> None:
    await subscriptions.put("acme", TOPIC, {"ada": 2}, NO_MAIL)
    keys = [SubscriptionKey("acme", TOPIC, user) for user in ("ada", "bob")]
    found = await subscriptions.find(keys)
    assert {key: (each.life, each.preferences) for key, each in found.items()} == {keys[0]: (2, NO_MAIL)}
    assert await subscriptions.find([]) == {}


async def test_nobody_unknown_has_a_life(subscriptions) -> None:
    assert await subscriptions.lives("acme", ["ada", "bob"]) == {"ada": 0, "bob": 0}
