"""Chat notifications (`catalog/chat`), for a chat product: say that somebody wrote, invited, or wants to be friends.

chat = ChatNotifications(carillon)
await chat.create_friend_request_notification(sender_id=7, recipient_id=8, sender_info={"username": "john_doe"})
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final
from uuid import UUID, uuid4

from carillon.arguments import listed
from carillon.client import AsyncClient

ChatId = str | int | UUID
MAX_PREVIEW: Final = 140
"""Characters of a message that its notifications show; the last of a longer one is an ellipsis."""
MAX_AT_ONCE: Final = 10_000
"""People of one event: their ids fit a body of 1 MiB."""
_TYPE: Final = "com.example.chat."


class FriendRequestType(StrEnum):
    """What one user says to another; the notification types of both."""

    FRIEND_REQUEST = "friend_request"
    FRIEND_REQUEST_ACCEPTED = "friend_request_accepted"


_FRIENDS: Final = {
    FriendRequestType.FRIEND_REQUEST: "friend.requested",
    FriendRequestType.FRIEND_REQUEST_ACCEPTED: "friend.accepted",
}


class ChatNotifications:
    """Over a client whose key has the scope `send`. What is created is durable when a call returns, also while Kafka is away.

    `session` is your database's, and is left alone: a notification is in no transaction of yours, so call when it is
    committed. `…_info` has `username`, and `display_name` if you like. Nobody is told of what they did themselves. Every
    call returns the ids of its events, and raises what the client does.
    """

    def __init__(self, carillon: AsyncClient, *, source: str = "/chat") -> None:
        self._carillon = carillon
        self._source = source

    async def create_message_notification(
        self,
        *,
        message_id: ChatId,
        room_id: ChatId,
        sender_id: ChatId,
        recipient_ids: Sequence[ChatId],
        message_content: str,
        sender_info: Mapping[str, Any],
        session: object = None,  # noqa: ARG002  # as the class says
        room_name: str | None = None,
    ) -> list[str]:
        """Tells everybody in the room but the sender, however many they are. Of one message it may be called again.

        Nothing, and no id, where the sender is alone.
        """
        recipients = [each for each in listed("recipient_ids", recipient_ids) if str(each) != str(sender_id)]
        data = {
            "message_id": message_id,
            "room_id": room_id,
            "room_name": room_name,
            "sender_id": sender_id,
            **_named("sender", sender_info),
            "message_preview": preview(message_content),
        }
        parts = [recipients[start : start + MAX_AT_ONCE] for start in range(0, len(recipients), MAX_AT_ONCE)]
        ids: list[str] = []
        for number, part in enumerate(parts):
            event_id = f"message:{message_id}" + (f":{number}" if number else "")
            ids += await self._happened("message.created", data | {"recipient_ids": part}, event_id)
        return ids

    async def create_room_invite_notification(
        self,
        *,
        room_id: ChatId,
        room_name: str,
        inviter_id: ChatId,
        invitee_id: ChatId,
        inviter_info: Mapping[str, Any],
        room_description: str | None = None,
        session: object = None,  # noqa: ARG002  # as the class says
    ) -> list[str]:
        """Tells the invitee."""
        data = {
            "room_id": room_id,
            "room_name": room_name,
            "room_description": room_description,
            "inviter_id": inviter_id,
            "invitee_id": invitee_id,
            **_named("inviter", inviter_info),
        }
        return await self._happened("room.invited", data, str(uuid4()))

    async def create_friend_request_notification(
        self,
        *,
        sender_id: ChatId,
        recipient_id: ChatId,
        sender_info: Mapping[str, Any],
        request_type: str = FriendRequestType.FRIEND_REQUEST,
        session: object = None,  # noqa: ARG002  # as the class says
    ) -> list[str]:
        """Tells the recipient: of a request, or that their own was accepted. Raises ValueError for another type."""
        data = {"sender_id": sender_id, "recipient_id": recipient_id, **_named("sender", sender_info)}
        return await self._happened(_FRIENDS[FriendRequestType(request_type)], data, str(uuid4()))

    async def _happened(self, what: str, data: Mapping[str, Any], event_id: str) -> list[str]:
        given = {name: value for name, value in data.items() if value is not None}
        event = {"id": event_id, "source": self._source, "type": _TYPE + what, "data": given}
        answer = await self._carillon.send_events([event])
        return [str(each) for each in answer["ids"]]


def preview(text: str) -> str:
    """The beginning of a message, in one line."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_PREVIEW else line[: MAX_PREVIEW - 1].rstrip() + "…"


def _named(role: str, info: Mapping[str, Any]) -> dict[str, Any]:
    """What templates call somebody. Raises ValueError without a user name, which every text shows."""
    if not info.get("username"):
        raise ValueError(f"{role}_info has no username, which the notification shows")
    names = {f"{role}_username": str(info["username"])}
    return names | ({f"{role}_display_name": str(info["display_name"])} if info.get("display_name") else {})
