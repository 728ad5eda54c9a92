"""The facilitator service's document, both sides, on the real stack: socket.io-client as npm has it."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from sandbox.free_ports import free_ports
from shared.mongo.api_keys import Scope, create
from tests.integration.gateway.dialects.clients import Ending
from tests.integration.gateway.dialects.node_clients import LOCAL, SocketIoClient
from tests.support.env import Harness

BOOKING = {
    "booking_id": 123,
    "user": {"id": 5, "name": "Jane Smith", "email": "jane@example.com"},
    "session": {"id": 1, "title": "Morning Meditation", "start_time": "2024-01-15T09:00:00"},
    "facilitator_id": 2,
}


@pytest.fixture
async def url(harness: Harness) -> str:
    [port] = free_ports(1)
    harness.more |= {"CARILLON_SOCKETIO_PORT": str(port), "CARILLON_SOCKETIO_INGEST_URL": harness.url("ingest")}
    await harness.start("ingest", "router", "delivery", "socketio")
    await harness.call("PUT", "/v1/users/2", json={"name": "Grace"})
    return f"{LOCAL}:{port}"


@asynccontextmanager
async def backend(url: str, key: str):
    async with SocketIoClient.driven("socketio.mjs", url=url, options={}) as client:
        client.tell(emit=["backend_connect", {"token": key}])
        yield client


async def key_with(harness: Harness, *scopes: Scope) -> str:
    async with harness.database() as database:
        return await create(database, tenant="default", scopes=frozenset(scopes), name="tests")


async def outcome(client: SocketIoClient, name: str, count: int = 1) -> dict:
    await client.until(lambda: len(client.heard(name)) >= count, name)
    return client.heard(name)[count - 1]


async def test_a_backend_is_told_what_became_of_each_booking(harness: Harness, url: str) -> None:
    async with backend(url, await key_with(harness, Scope.SEND)) as sender:
        await outcome(sender, "backend_auth_success")
        sender.tell(emit=["booking_notification", BOOKING])
        stored = await outcome(sender, "notification_stored")
        assert (stored["booking_id"], stored["facilitator_id"]) == (123, 2)
        async with SocketIoClient.driven("socketio.mjs", url=url, options={}) as page:
            page.tell(emit=["facilitator_connect", {"facilitator_id": 2, "token": harness.token("2")}])
            shown = await outcome(page, "new_booking_notification")
            assert shown["type"] == "new_booking"
            assert shown["message"] == "New booking from Jane Smith for Morning Meditation"
            assert {name: shown[name] for name in ("booking_id", "user", "session")} == {
                name: BOOKING[name] for name in ("booking_id", "user", "session")
            }
            sender.tell(emit=["booking_notification", BOOKING | {"booking_id": 124}])
            delivered = await outcome(sender, "notification_delivered")
            assert delivered["booking_id"] == 124
            await page.until(lambda: len(page.shown) == 2, "the second one")
            sender.tell(emit=["booking_notification", BOOKING | {"booking_id": 124}])
            again = await outcome(sender, "notification_delivered", 2)
            assert again["id"] == delivered["id"]
            for wrong in (
                {},
                "x",
                BOOKING | {"user": {}},
                BOOKING | {"booking_id": None},
                BOOKING | {"facilitator_id": 3},
            ):
                before = len(sender.heard("notification_error"))
                sender.tell(emit=["booking_notification", wrong])
                said = await outcome(sender, "notification_error", before + 1)
                assert said["error"]
            sender.tell(emit=["booking_notification", BOOKING | {"booking_id": 125}])
            await page.until(lambda: len(page.shown) == 3, "the third one; none of the second or a wrong one")
            assert [data["booking_id"] for data in page.heard("new_booking_notification")] == [123, 124, 125]


async def test_only_a_key_that_may_send_is_a_backend(harness: Harness, url: str) -> None:
    for key in ("backend-service-token-here", "", await key_with(harness, Scope.USERS)):
        async with backend(url, key) as sender:
            said = await outcome(sender, "auth_error")
            assert "scope" in said["error"]
            await sender.until(lambda sender=sender: sender.ending, "the end")
            assert sender.ending is Ending.STAYS_AWAY
    async with SocketIoClient.driven("socketio.mjs", url=url, options={}) as nobody:
        nobody.tell(emit=["booking_notification", BOOKING])
        await outcome(nobody, "auth_error")
    async with SocketIoClient.driven("socketio.mjs", url=url, options={"auth": {"token": harness.token("2")}}) as page:
        await page.until(lambda: page.welcomed, "in")
        page.tell(emit=["booking_notification", BOOKING])
        await outcome(page, "error")
    async with harness.database() as database:
        assert await database.inbox.count_documents({}) == 0


async def test_while_the_platform_does_not_answer_a_backend_is_told_to_send_again(harness: Harness, url: str) -> None:
    async with backend(url, await key_with(harness, Scope.SEND)) as sender:
        await outcome(sender, "backend_auth_success")
        harness.services["ingest"].kill()
        sender.tell(emit=["booking_notification", BOOKING])
        said = await outcome(sender, "notification_error")
        assert "send it again" in said["error"]
        await harness.revive("ingest")
        await harness.start_spawned("ingest")
        sender.tell(emit=["booking_notification", BOOKING])
        await outcome(sender, "notification_stored")
