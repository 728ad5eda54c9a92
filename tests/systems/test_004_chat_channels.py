"""The chat notification service: its integration guide and its channels, from outside only."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from tests.systems.chat_product import TYPES, Chat, heard, quiet_now

PEOPLE = 150
"""In one room; more than one event has notifications for."""


def info(user: str) -> dict[str, str]:
    return {"user_id": user, "username": "john_doe", "display_name": "John Doe"}


async def tell(chat: Chat, notification_type: str, sender: str, recipient: str) -> None:
    """As the document calls the helpers, `session` and all."""
    match notification_type:
        case "new_message":
            await chat.notifications.create_message_notification(
                session=object(),
                message_id=uuid4(),
                room_id=uuid4(),
                sender_id=sender,
                recipient_ids=[recipient, sender],
                message_content="Hello, how are you?",
                sender_info=info(sender),
            )
        case "room_invitation":
            await chat.notifications.create_room_invite_notification(
                session=object(),
                room_id=uuid4(),
                room_name="The Lounge",
                room_description="talk",
                inviter_id=sender,
                invitee_id=recipient,
                inviter_info=info(sender),
            )
        case _:
            await chat.notifications.create_friend_request_notification(
                session=object(),
                sender_id=sender,
                recipient_id=recipient,
                sender_info=info(sender),
                request_type=notification_type,
            )


# Integration guide


async def test_a_message_of_the_guide_shows_what_its_clients_know(chat: Chat, sender, ann):
    await tell(chat, "new_message", sender, ann)
    [shown] = await chat.inbox(ann, 1)
    content = shown["content"]
    assert shown["notification_type"] == "new_message"
    assert (content["sender_username"], content["message_preview"]) == ("john_doe", "Hello, how are you?")
    assert (content["sender_id"], content["sender_display_name"]) == (sender, "John Doe")
    assert {"message_id", "room_id"} <= content.keys()
    assert "recipient_ids" not in content, "nobody is told who else got it"


async def test_a_room_of_many_people(chat: Chat, sender, ann):
    crowd = await asyncio.gather(*(chat.join("fan") for _ in range(PEOPLE)))
    message = {
        "message_id": uuid4(),
        "room_id": uuid4(),
        "sender_id": sender,
        "recipient_ids": [*crowd, sender, ann],
        "message_content": "Everybody, listen: " + "la " * 100,
        "sender_info": info(sender),
    }
    first = await chat.notifications.create_message_notification(**message)
    assert await chat.notifications.create_message_notification(**message) == first
    for user in (*crowd, ann):
        [shown] = await chat.inbox(user, 1)
        preview = shown["content"]["message_preview"]
        assert preview.startswith("Everybody, listen: la")
        assert preview.endswith("…")
    assert await chat.count(sender) == 0


# Push by FCM, e-mail, WebSocket


@pytest.mark.parametrize("notification_type", sorted(TYPES))
async def test_each_type_reaches_a_phone_a_mailbox_and_a_socket(chat: Chat, sender, ann, notification_type):
    async with chat.socket(ann) as socket:
        await tell(chat, notification_type, sender, ann)
        told = await heard(socket)
    assert told["item"]["type"] == notification_type
    [push] = await chat.push(ann)
    assert (push["subject"], push["envelope"]["provider"]) == (told["item"]["title"], "fcm")
    assert push["envelope"]["data"]["notification"] == told["item"]["id"]
    [mail] = await chat.mail(ann)
    assert mail["subject"] == told["item"]["title"]
    assert "john_doe" in mail["subject"]
    assert await chat.count(sender) == 0
    assert await chat.pushes(sender) == await chat.mails(sender) == []


@pytest.mark.parametrize("switched_off", ["push_notifications", "email_notifications"])
async def test_what_is_switched_off_does_not_come_until_it_is_on_again(chat: Chat, sender, ann, bob, switched_off):
    is_push = switched_off == "push_notifications"
    get, silent, other = (chat.push, chat.pushes, chat.mail) if is_push else (chat.mail, chat.mails, chat.push)
    await chat.call("PUT", "/preferences", ann, json={switched_off: False})
    for notification_type in sorted(TYPES):
        for user in (ann, bob):
            await tell(chat, notification_type, sender, user)
    await get(bob, len(TYPES))
    await other(ann, len(TYPES))
    await chat.inbox(ann, len(TYPES))
    assert await silent(ann) == []
    await chat.call("PUT", "/preferences", ann, json={switched_off: True})
    await tell(chat, "new_message", sender, ann)
    [came] = await get(ann)
    assert "john_doe" in came["subject"]


async def test_quiet_hours_hold_push_and_mail_and_not_the_inbox(chat: Chat, sender, ann, bob):
    await chat.call("PUT", "/preferences", ann, json={"quiet_hours": quiet_now()})
    for user in (ann, bob):
        await tell(chat, "friend_request", sender, user)
    await chat.push(bob)
    await chat.mail(bob)
    await chat.inbox(ann, 1)
    assert await chat.pushes(ann) == await chat.mails(ann) == []
    await chat.call("PUT", "/preferences", ann, json={"quiet_hours": quiet_now() | {"enabled": False}})
    await tell(chat, "friend_request", sender, ann)
    await chat.push(ann)
    await chat.mail(ann)
