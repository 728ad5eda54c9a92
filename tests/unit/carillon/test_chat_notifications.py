"""What the chat helpers make of their arguments: previews of any text, and what is refused before anything is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon import AsyncClient
from carillon.integrations.chat import MAX_PREVIEW, ChatNotifications, preview


@pytest.fixture
def chat() -> ChatNotifications:
    return ChatNotifications(AsyncClient("http://127.0.0.1:1", "ck_x"))


@given(st.text(max_size=400))
def test_a_preview_is_one_short_line_of_the_beginning(text: str) -> None:
    shown = preview(text)
    assert len(shown) <= MAX_PREVIEW
    assert len(shown.splitlines()) <= 1
    whole = " ".join(text.split())
    assert shown == whole or (whole.startswith(shown[:-1]) and shown.endswith("…"))


async def test_a_sender_alone_in_the_room_sends_nothing(chat: ChatNotifications) -> None:
    told = await chat.create_message_notification(
        message_id=1, room_id=2, sender_id=7, recipient_ids=["7"], message_content="", sender_info={"username": "x"}
    )
    assert told == []


async def test_who_has_no_name_is_nobody(chat: ChatNotifications) -> None:
    with pytest.raises(ValueError, match="inviter_info has no username"):
        await chat.create_room_invite_notification(
            room_id=1, room_name="r", inviter_id=1, invitee_id=2, inviter_info={"username": ""}
        )


async def test_one_recipient_is_no_list(chat: ChatNotifications) -> None:
    with pytest.raises(TypeError, match="recipient_ids is a list"):
        await chat.create_message_notification(
            message_id=1, room_id=2, sender_id=3, recipient_ids="ann", message_content="", sender_info={"username": "x"}
        )


async def test_an_unknown_type_of_request_is_refused(chat: ChatNotifications) -> None:
    with pytest.raises(ValueError, match="follow_request"):
        await chat.create_friend_request_notification(
            sender_id=1, recipient_id=2, sender_info={"username": "x"}, request_type="follow_request"
        )
