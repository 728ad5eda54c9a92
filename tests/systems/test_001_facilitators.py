"""The facilitator service's document, both sides, on the real stack: socket.io-client as npm has it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from uuid import uuid4

import aiohttp
import pytest

from carillon import AsyncClient
from carillon.integrations.facilitators import BookingNotificationOutcome, FacilitatorNotifications
from sandbox.free_ports import free_ports
from shared.mongo.api_keys import Scope, create
from tests.integration.gateway.dialects.clients import Ending
from tests.integration.gateway.dialects.node_clients import LOCAL, SocketIoClient
from tests.support.env import Harness
from tests.support.wait import until

BOOKING = {
    "booking_id": 123,
    "user": {"id": 5, "name": "Jane Smith", "email": "jane@example.com"},
    "session": {"id": 1, "title": "Morning Meditation", "start_time": "2024-01-15T09:00:00"},
    "facilitator_id": 2,
}


@pytest.fixture
async def url(harness: Harness) -> str:
    [port] = free_ports(1)
    harness.more |= {
        "CARILLON_SOCKETIO_PORT": str(port),
        "CARILLON_SOCKETIO_INGEST_URL": harness.url("ingest"),
        "CARILLON_SOCKETIO_PUBLIC_TENANT": "default",
    }
    await harness.start("ingest", "router", "delivery", "socketio")
    await harness.call("PUT", "/v1/users/2", json={"name": "Grace"})
    return f"{LOCAL}:{port}"


@asynccontextmanager
async def backend(url: str, key: str):
    async with SocketIoClient.driven("socketio.mjs", url=url, options={}) as client:
        client.tell(emit=["backend_connect", {"token": key}])
        yield client


def page_of(harness: Harness, url: str):
    """A page of the facilitator's."""
    return SocketIoClient.driven("socketio.mjs", url=url, options={"auth": {"token": harness.token("2")}})


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
    async with page_of(harness, url) as page:
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


async def told(url: str, path: str, **wanted: object) -> dict:
    """What GET answers without a credential, as the document asks for none, once it is as wanted."""

    async def found() -> dict | None:
        async with aiohttp.ClientSession() as http, http.get(url + path) as answer:
            assert answer.status == 200
            said = await answer.json()
            return said if said.items() >= wanted.items() else None

    return await until(found, what=f"{path}: {wanted}")


async def test_health_and_stats(harness: Harness, url: str) -> None:
    nobody = await told(url, "/health", online_facilitators=0, backend_connected=False)
    assert nobody.keys() == {"status", "service", "timestamp", "online_facilitators", "backend_connected"}
    assert (nobody["status"], nobody["service"]) == ("healthy", "notification_service")
    async with backend(url, await key_with(harness, Scope.SEND)) as sender:
        await outcome(sender, "backend_auth_success")
        for booking in (123, 124):
            sender.tell(emit=["booking_notification", BOOKING | {"booking_id": booking}])
        await outcome(sender, "notification_stored", 2)
        async with page_of(harness, url) as page:
            [first, _] = [await outcome(page, "new_booking_notification", count) for count in (1, 2)]
            page.tell(emit=["mark_notification_read", {"notification_id": first["notification_id"]}])
            await outcome(page, "notification_marked_read")
            await told(url, "/health", online_facilitators=1, backend_connected=True)
            wanted = {"online_facilitators": 1, "backend_connected": True, "total_notifications": 2}
            wanted |= {"pending_notifications": 1, "facilitator_sessions": 1}
            assert await told(url, "/stats", **wanted) == wanted
    await told(url, "/stats", online_facilitators=0, backend_connected=False, facilitator_sessions=0)


async def test_types_of_notifications(harness: Harness, url: str) -> None:
    async with (
        backend(url, await key_with(harness, Scope.SEND)) as sender,
        page_of(harness, url) as page,
    ):
        await outcome(sender, "backend_auth_success")
        await page.until(lambda: page.welcomed, "in")
        sender.tell(emit=["booking_notification", BOOKING | {"type": "booking_cancelled"}])
        await outcome(sender, "notification_delivered")
        shown = await outcome(page, "new_notification")
        assert (shown["type"], shown["booking_id"]) == ("booking_cancelled", 123)
        assert shown["message"] == "Jane Smith cancelled Morning Meditation"
        for count, wrong in enumerate(("coffee_made", "../x", "", 7, None), 1):
            sender.tell(emit=["booking_notification", BOOKING | {"type": wrong}])
            assert (await outcome(sender, "notification_error", count))["error"]
        assert len(page.shown) == 1


async def test_a_backend_that_speaks_http(harness: Harness, url: str) -> None:
    await harness.start("console")
    key = await key_with(harness, Scope.SEND, Scope.OPERATE)
    async with AsyncClient(harness.url("ingest"), key, console_url=harness.url("console")) as carillon:
        facilitators = FacilitatorNotifications(carillon, wait_seconds=20)
        at_once = FacilitatorNotifications(carillon, wait_seconds=0)
        stored = await at_once.send_booking_notification(BOOKING)
        assert (bool(stored), stored.outcome) == (True, BookingNotificationOutcome.STORED)
        assert (await at_once.send_booking_notification(BOOKING)).id == stored.id, "word for word the same"
        async with page_of(harness, url) as page:
            await outcome(page, "new_booking_notification")
            sent = await facilitators.send_booking_notification(BOOKING | {"booking_id": 124})
            assert (bool(sent), sent.outcome) == (True, BookingNotificationOutcome.DELIVERED)
            await outcome(page, "new_booking_notification", 2)
        nobody = await facilitators.send_booking_notification(BOOKING | {"facilitator_id": uuid4().int % 10**9})
        assert (bool(nobody), nobody.outcome) == (False, BookingNotificationOutcome.SUPPRESSED)
        assert nobody.reason == "unknown_user"
        with pytest.raises(ValueError, match="session, facilitator_id"):
            await facilitators.send_booking_notification({"booking_id": 1, "user": {}})


@pytest.mark.timeout(300)
async def test_the_phone_of_who_is_connected_nowhere(harness: Harness, url: str) -> None:
    await harness.start("sink")
    phone = {"platform": "fcm", "token": f"phone-{uuid4().hex}"}
    await harness.call("PUT", "/v1/users/2", json={"name": "Grace", "devices": [phone]})

    async def pushed() -> list[dict]:
        asked = {"kind": "push", "to": f"fcm:{phone['token']}"}
        return list((await harness.call("GET", "/messages", service="sink", params=asked))["messages"])

    async with backend(url, await key_with(harness, Scope.SEND)) as sender:
        await outcome(sender, "backend_auth_success")
        async with page_of(harness, url) as page:
            await page.until(lambda: page.welcomed, "in")
            await told(url, "/health", online_facilitators=1)
            sender.tell(emit=["booking_notification", BOOKING])
            await outcome(sender, "notification_delivered")
        await told(url, "/health", online_facilitators=0)
        sender.tell(emit=["booking_notification", BOOKING | {"booking_id": 124}])
        await outcome(sender, "notification_stored")
        [message] = await until(pushed, what="the second one is on the phone, and only that one")
        assert "Jane Smith: Morning Meditation" in message["text"]


async def test_nothing_that_is_wrong_changes_anything(harness: Harness, url: str) -> None:
    """Missing members, ids of nobody, types that are none, and what is no JSON: each in the document's own format."""
    wrong: list[object] = [
        *({name: value for name, value in BOOKING.items() if name != missing} for missing in BOOKING),
        BOOKING | {"facilitator_id": 404},
        BOOKING | {"facilitator_id": [2]},
        BOOKING | {"user": "Jane Smith"},
        BOOKING | {"session": {}},
        BOOKING | {"type": "unheard_of"},
        *([], None, "{", 7),
    ]
    async with backend(url, await key_with(harness, Scope.SEND)) as sender:
        await outcome(sender, "backend_auth_success")
        for count, data in enumerate(wrong, 1):
            sender.tell(emit=["booking_notification", data])
            said = await outcome(sender, "notification_error", count)
            assert said["error"].strip()
            about = data if isinstance(data, dict) else {}
            assert all(said.get(name) == about.get(name) for name in ("booking_id", "facilitator_id"))
        sender.tell(emit=["booking_notification", BOOKING])
        await outcome(sender, "notification_stored")
    async with harness.database() as database:
        assert await database.inbox.count_documents({}) == 1
