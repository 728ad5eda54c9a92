"""What the chat helpers send: one event each, in the words of catalog/chat."""

from __future__ import annotations

from typing import Any

from carillon import AsyncClient
from carillon.integrations import chat as chat_module
from carillon.integrations.chat import ChatNotifications
from tests.integration.carillon.platform import Platform

JOHN = {"user_id": "7", "username": "john_doe", "display_name": "John"}
ANSWER = (202, {}, b'{"ids": ["e1"], "durability": "kafka"}')


async def sent(platform: Platform, method: str, count: int = 1, **arguments: Any) -> list[dict[str, Any]]:
    platform.answers = [ANSWER] * count
    async with AsyncClient(platform.url, "ck_x") as carillon:
        ids = await getattr(ChatNotifications(carillon, source="/rooms"), method)(**arguments)
    assert ids == ["e1"] * count
    return [event for _, _, _, batch in platform.asked for event in batch]


async def test_a_message_has_its_own_id_so_calling_again_doubles_nothing(platform: Platform) -> None:
    message = {"message_id": 9, "room_id": 3, "sender_id": 7, "message_content": "Hi", "sender_info": JOHN}
    [event] = await sent(platform, "create_message_notification", recipient_ids=[7, 8, "7", 9], **message)
    assert (event["id"], event["source"], event["type"]) == (
        "message:9", "/rooms", "com.example.chat.message.created",
    )  # fmt: skip
    assert event["data"] == {
        "message_id": 9, "room_id": 3, "sender_id": 7, "sender_username": "john_doe", "sender_display_name": "John",
        "message_preview": "Hi", "recipient_ids": [8, 9],
    }  # fmt: skip


async def test_more_people_than_one_event_holds_are_told_by_several(platform: Platform, monkeypatch) -> None:
    monkeypatch.setattr(chat_module, "MAX_AT_ONCE", 2)
    message = {"message_id": 9, "room_id": 3, "sender_id": 7, "message_content": "Hi", "sender_info": JOHN}
    events = await sent(platform, "create_message_notification", 2, recipient_ids=[1, 2, 7, 3], **message)
    assert [(event["id"], event["data"]["recipient_ids"]) for event in events] == [
        ("message:9", [1, 2]),
        ("message:9:1", [3]),
    ]


async def test_an_invitation_and_both_sides_of_a_friendship(platform: Platform) -> None:
    invite = {"room_id": 3, "room_name": "Tea", "room_description": None, "inviter_id": 7, "invitee_id": 8}
    await sent(platform, "create_room_invite_notification", inviter_info=JOHN, **invite)
    for request_type in ("friend_request", "friend_request_accepted"):
        friends = {"sender_id": 7, "recipient_id": 8, "sender_info": JOHN, "request_type": request_type}
        await sent(platform, "create_friend_request_notification", **friends)
    events = [event for _, _, _, batch in platform.asked for event in batch]
    assert [event["type"].removeprefix("com.example.chat.") for event in events] == [
        "room.invited", "friend.requested", "friend.accepted",
    ]  # fmt: skip
    assert "room_description" not in events[0]["data"]
    assert events[0]["data"]["inviter_username"] == events[1]["data"]["sender_username"] == "john_doe"
    assert len({event["id"] for event in events}) == len(events)
