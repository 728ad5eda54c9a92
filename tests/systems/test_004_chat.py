"""The chat notification service: what its users were promised, in the order of their document, from outside only.

Caches, RabbitMQ and SQL are not here: what they were for is. Its channels are in test_004_chat_channels.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

import pytest

from tests.systems.chat_product import ENDPOINTS, TYPES, WANTED, Chat, heard, mailbox, quiet_now, said

# Notification management


async def test_get_user_notifications(chat: Chat, sender, ann):
    message = await chat.message(sender, ann)
    [shown] = await chat.inbox(ann, 1)
    UUID(shown["id"])
    assert shown["user_id"] == ann
    assert shown["notification_type"] == "new_message"
    assert shown["content"]["message_id"] == message
    assert shown["content"]["sender_username"] == "john_doe"
    assert shown["content"]["message_preview"] == "Hello, how are you?"
    assert (shown["status"], shown["is_read"]) == ("pending", False)
    for name in ("created_at", "updated_at"):
        assert shown[name].endswith("Z")
        assert datetime.fromisoformat(shown[name]).tzinfo is not None


async def test_paging_and_filters(chat: Chat, sender, ann):
    for _ in range(3):
        await chat.message(sender, ann)
    await chat.befriend(sender, ann)
    everything = await chat.inbox(ann, 4)
    assert len(everything) == 4
    _, page = await chat.call("GET", "?limit=3", ann)
    assert (len(page["notifications"]), page["total"], page["has_more"]) == (3, 4, True)
    _, rest = await chat.call("GET", "?limit=3&offset=3", ann)
    assert (len(rest["notifications"]), rest["total"], rest["has_more"]) == (1, 4, False)
    assert page["notifications"] + rest["notifications"] == everything
    _, friends = await chat.call("GET", "?notification_type=friend_request", ann)
    assert [shown["notification_type"] for shown in friends["notifications"]] == ["friend_request"]


async def test_count_read_and_read_all(chat: Chat, sender, ann):
    for _ in range(3):
        await chat.message(sender, ann)
    await chat.befriend(sender, ann)
    shown = await chat.inbox(ann, 4)
    assert await chat.count(ann) == 4
    assert await chat.count(ann, "?notification_type=new_message") == 3
    assert await chat.call("PUT", f"/{shown[0]['id']}/read", ann) == said("Notification marked as read")
    assert await chat.count(ann, "?unread_only=true") == 3
    _, unread = await chat.call("GET", "?unread_only=true", ann)
    assert shown[0]["id"] not in [one["id"] for one in unread["notifications"]]
    left = sum(one["notification_type"] == "new_message" for one in unread["notifications"])
    _, done = await chat.call("PUT", "/read-all?notification_type=new_message", ann)
    assert (done["success"], done["updated_count"]) == (True, left)
    status, done = await chat.call("PUT", "/read-all", ann)
    assert (status, done["message"]) == (200, "All notifications marked as read")
    assert done["updated_count"] == 3 - left
    assert await chat.count(ann, "?unread_only=true") == 0
    assert all(one["is_read"] for one in await chat.inbox(ann, 4))


async def test_delete(chat: Chat, sender, ann):
    await chat.message(sender, ann)
    [shown] = await chat.inbox(ann, 1)
    assert await chat.call("DELETE", f"/{shown['id']}", ann) == said("Notification deleted successfully")
    assert await chat.count(ann) == 0
    status, problem = await chat.call("PUT", f"/{shown['id']}/read", ann)
    assert (status, problem["detail"], problem["status_code"]) == (404, "Notification not found", 404)


# Notification preferences


async def test_get_and_update_preferences(chat: Chat, ann):
    status, before = await chat.call("GET", "/preferences", ann)
    assert status == 200
    assert before["push_notifications"] is True
    assert before["email_notifications"] is True
    assert before["notification_types"].keys() >= TYPES
    assert before["quiet_hours"].keys() == {"enabled", "start_time", "end_time", "timezone"}
    status, _ = await chat.call("PUT", "/preferences", ann, json=WANTED)
    assert status == 200
    _, after = await chat.call("GET", "/preferences", ann)
    for name in ("push_notifications", "email_notifications", "quiet_hours"):
        assert after[name] == WANTED[name]
    assert after["notification_types"].items() >= WANTED["notification_types"].items()


async def test_a_type_that_was_switched_off_does_not_come(chat: Chat, sender, ann, bob):
    await chat.call("PUT", "/preferences", ann, json={"notification_types": {"friend_request": False}})
    for user in (ann, bob):
        await chat.befriend(sender, user)
        await chat.message(sender, user)
    assert {one["notification_type"] for one in await chat.inbox(bob, 2)} == {"new_message", "friend_request"}
    await chat.mail(bob, 2)
    await chat.mail(ann, 1)
    assert [one["notification_type"] for one in await chat.inbox(ann, 1)] == ["new_message"]
    assert len(await chat.mails(ann)) == 1


async def test_email_that_was_switched_off_does_not_come(chat: Chat, sender, ann, bob):
    await chat.call("PUT", "/preferences", ann, json={"email_notifications": False})
    await chat.message(sender, ann, bob)
    await chat.mail(bob)  # the same event by the same way, so what ann gets has been decided, too
    await chat.inbox(ann, 1)
    assert await chat.mails(ann) == []


async def test_quiet_hours_hold_what_is_noisy_until_they_end(chat: Chat, sender, ann, bob):
    await chat.call("PUT", "/preferences", ann, json={"quiet_hours": quiet_now()})
    await chat.message(sender, ann, bob, text="are you up?")
    await chat.mail(bob)
    assert [one["content"]["message_preview"] for one in await chat.inbox(ann, 1)] == ["are you up?"]
    assert await chat.mails(ann) == []


# Integration guide


async def test_a_message_reaches_everybody_in_the_room_but_its_sender(chat: Chat, sender, ann, bob):
    message = await chat.message(sender, ann, bob)
    for user in (ann, bob):
        [shown] = await chat.inbox(user, 1)
        assert shown["content"]["message_id"] == message
    await chat.mail(ann)
    await chat.mail(bob)
    assert await chat.count(sender) == 0
    assert await chat.mails(sender) == []


@pytest.mark.parametrize(
    ("event_type", "notification_type", "sender_is", "recipient_is"),
    [
        ("room.invited", "room_invitation", "inviter", "invitee"),
        ("friend.requested", "friend_request", "sender", "recipient"),
        ("friend.accepted", "friend_request_accepted", "sender", "recipient"),
    ],
)
async def test_invitations_and_friends(
    chat: Chat, sender, ann, *, event_type, notification_type, sender_is, recipient_is
):
    people = {f"{sender_is}_id": sender, f"{recipient_is}_id": ann, f"{sender_is}_username": "john_doe"}
    data = people | {"room_id": str(uuid4()), "room_name": "The Lounge", "room_description": "talk"}
    await chat.happen(event_type, data)
    [shown] = await chat.inbox(ann, 1)
    assert shown["notification_type"] == notification_type
    assert shown["content"] == data
    [mail] = await chat.mail(ann)
    assert "john_doe" in mail["subject"]
    assert await chat.count(sender) == 0


async def test_an_email_says_who_wrote_what(chat: Chat, sender, ann):
    await chat.message(sender, ann, text="Lunch at noon?")
    [mail] = await chat.mail(ann)
    assert mail["to"] == [mailbox(ann)]
    assert "john_doe" in mail["subject"]
    assert "Lunch at noon?" in mail["text"]


async def test_the_same_by_the_notification_api(chat: Chat, ann):
    data = {"sender_username": "x", "message_preview": "y"}
    accepted = await chat.send("chat.new_message", ann, data)
    [shown] = await chat.inbox(ann, 1)
    assert (shown["id"], shown["content"]) == (accepted["id"], data)


# Real-time: what is on the screen follows at once


async def test_a_connected_client_is_told_and_all_devices_agree(chat: Chat, sender, ann):
    async with chat.socket(ann) as phone, chat.socket(ann) as laptop:
        message = await chat.message(sender, ann)
        for device in (phone, laptop):
            told = await heard(device)
            assert (told["type"], told["item"]["type"], told["unread"]) == ("notification", "new_message", 1)
            assert told["item"]["data"]["message_id"] == message
        await chat.call("PUT", f"/{told['item']['id']}/read", ann)
        for device in (phone, laptop):
            told = await heard(device)
            assert (told["type"], told["change"], told["unread"]) == ("state", "read", 0)


async def test_who_was_away_is_told_on_connecting(chat: Chat, sender, ann):
    await chat.message(sender, ann)
    [shown] = await chat.inbox(ann, 1)
    async with chat.socket(ann) as socket:
        told = await heard(socket)
        assert (told["type"], told["item"]["id"]) == ("notification", shown["id"])


# Monitoring and health checks


async def test_health(chat: Chat):
    status, health = await chat.health()
    assert (status, health["status"]) == (200, "healthy")
    assert datetime.fromisoformat(health["timestamp"]).tzinfo is not None
    assert health["components"]["database"] == {"status": "healthy"}
    assert {one["status"] for one in health["components"].values()} == {"healthy"}


# Security considerations


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
async def test_every_endpoint_wants_a_valid_token(chat: Chat, method, path):
    for bad in ({}, {"authorization": "Bearer junk"}, {"authorization": f"Bearer {chat.token('ann', ttl=-60)}"}):
        status, problem = await chat.ask(method, path, headers=bad)
        assert (status, problem["status_code"]) == (401, 401)


async def test_a_socket_wants_a_valid_token(chat: Chat):
    assert await chat.turned_away(chat.token("ann", ttl=-60)) == 4401


async def test_users_reach_their_own_notifications_only(chat: Chat, sender, ann, eve):
    await chat.message(sender, ann)
    [shown] = await chat.inbox(ann, 1)
    assert await chat.count(eve) == 0
    for method, path in (("PUT", f"/{shown['id']}/read"), ("DELETE", f"/{shown['id']}")):
        status, problem = await chat.call(method, path, eve)
        assert (status, problem["detail"]) == (404, "Notification not found")
    assert await chat.inbox(ann, 1) == [shown]


# Error handling


async def test_error_responses(chat: Chat, ann):
    status, problem = await chat.call("PUT", f"/{uuid4()}/read", ann)
    assert (status, problem["detail"], problem["status_code"]) == (404, "Notification not found", 404)
    status, problem = await chat.call("GET", "?notification_type=nonsense", ann)
    assert (status, problem["detail"], problem["status_code"]) == (400, "Invalid notification type", 400)
    for query in ("?limit=0", "?limit=1000", "?offset=-1", "?unread_only=maybe"):
        status, problem = await chat.call("GET", query, ann)
        assert (status, problem["status_code"]) == (422, 422)
    hours = {"enabled": True, "start_time": "10pm", "end_time": "08:00", "timezone": "UTC"}
    status, problem = await chat.call("PUT", "/preferences", ann, json={"quiet_hours": hours})
    assert (status, problem["errors"][0]["pointer"]) == (422, "/quiet_hours/start_time")
