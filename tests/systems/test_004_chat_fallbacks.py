"""The chat notification service: its fallback mechanisms, on brokers that are killed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from carillon import AsyncClient
from tests.support.brokers import local_brokers
from tests.support.env import RETRIES, Harness
from tests.support.product import serving
from tests.systems.chat_product import Chat, eventually, heard
from tests.systems.complaints_office import seconds_between
from tests.systems.test_004_chat_channels import tell

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """The whole product on a Kafka and a mongod of its own."""
    folder = tmp_path_factory.mktemp("fallbacks")
    with local_brokers(folder / "brokers") as brokers, serving(brokers, folder) as made:
        yield made


async def test_cache_cold_the_profile_is_read(chat: Chat, product: Harness, sender, ann, bob):
    await chat.call("PUT", "/preferences", ann, json={"email_notifications": False})
    product.services["router"].kill()
    await product.revive("router")
    await product.start_spawned("router")
    for user in (ann, bob):
        await tell(chat, "new_message", sender, user)
    await chat.mail(bob)
    await chat.push(ann)
    assert await chat.mails(ann) == []


async def test_kafka_unavailable_what_is_created_is_stored_and_comes(chat: Chat, product: Harness, sender, ann):
    kafka = product.names.brokers.kafka_node
    await tell(chat, "friend_request", sender, ann)
    [before] = await chat.inbox(ann, 1)
    kafka.kill()
    try:
        await tell(chat, "new_message", sender, ann)
        await tell(chat, "room_invitation", sender, ann)
        assert (await chat.call("GET", "", ann))[1]["notifications"] == [before], "the inbox is read without it"
        health = await eventually(lambda: unhealthy(chat, "log"))
        assert health["components"]["database"] == {"status": "healthy"}
    finally:
        kafka.spawn()
        await kafka.ready(180)
    shown = await chat.inbox(ann, 3)
    assert {each["notification_type"] for each in shown} == {"friend_request", "new_message", "room_invitation"}
    await chat.push(ann, 3)


async def test_fcm_fails_and_is_asked_again_ever_later(chat: Chat, product: Harness, sender, ann):
    plan = {"mode": "status", "status": 500, "code": "INTERNAL", "only": f"fcm:{ann}", "times": 3}
    await product.call("PUT", "/faults", service="sink", json={"providers": {"fcm": plan}})
    try:
        await tell(chat, "new_message", sender, ann)
        [shown] = await chat.inbox(ann, 1)
        await chat.mail(ann)
        [push] = await chat.push(ann)
    finally:
        await product.call("DELETE", "/faults", service="sink")
    assert push["envelope"]["data"]["notification"] == shown["id"]
    urls = chat.stack["urls"]
    async with AsyncClient(urls["ingest"], chat.stack["api_key"], console_url=urls["console"]) as carillon:

        async def retried() -> list[dict[str, Any]] | None:
            entries = (await carillon.timeline(shown["id"]))["entries"]
            found = [each for each in entries if each["state"] == "retrying" and each["channel"] == "push"]
            return found if len(found) == plan["times"] else None

        waits = [seconds_between(entry["detail"]["due"], entry["at"]) for entry in await eventually(retried)]
    schedule = [float(wait) for wait in RETRIES.split(",")][: plan["times"]]
    assert all(0.79 * wait < waited < 1.21 * wait for waited, wait in zip(waits, schedule, strict=True))


async def test_mongodb_unavailable_what_can_be_answered_is_and_the_rest_says_503(
    chat: Chat, product: Harness, sender, ann
):
    mongod = product.names.brokers.mongod_node
    await chat.befriend(sender, ann)  # who it is for is known from here on
    await chat.inbox(ann, 1)
    async with chat.socket(ann) as socket:
        assert (await heard(socket))["item"]["type"] == "friend_request"
        mongod.kill()
        try:
            for method, path in (("GET", ""), ("GET", "/count"), ("GET", "/preferences"), ("PUT", "/read-all")):
                status, problem = await chat.call(method, path, ann)
                assert (status, problem["status_code"]) == (503, 503)
            health = await eventually(lambda: unhealthy(chat, "database"))
            assert health["components"]["log"] == {"status": "healthy"}
            await chat.message(sender, ann)  # an event goes to Kafka, which has it
            assert await asyncio.wait_for(await socket.ping(), 60) >= 0, "who is connected stays"
        finally:
            mongod.spawn()
            await mongod.ready(180)
        assert (await heard(socket))["item"]["type"] == "new_message"
    await chat.inbox(ann, 2)


async def unhealthy(chat: Chat, component: str) -> dict[str, Any] | None:
    """The gateway's health, once it says so of the component."""
    status, health = await chat.health()
    return health if status == 503 and health["components"][component] == {"status": "unhealthy"} else None
