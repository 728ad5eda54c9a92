"""Chats on Telegram as profiles name them."""

from __future__ import annotations

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.errors import InvalidProfile
from shared.model.telegram_chats import TELEGRAM_CHAT, check_telegram_chat


@pytest.mark.parametrize(
    "chat", ["1", "123456789", "-1001234567890", "4503599627370495", "@shop", "@Shop_news1", "@" + "a" * 32]
)
def test_an_id_or_a_name_comes_back_as_it_is(chat: str) -> None:
    assert check_telegram_chat(chat, "/here") == chat
    jsonschema.validate(chat, dict(TELEGRAM_CHAT.schema))


@pytest.mark.parametrize(
    "chat",
    [
        "", "0", "-0", "01", "+1", "1.0", "1e3", "--1", "4503599627370496", "9" * 17, "1\n", " 1", "\u0661", "shop", "@", "@abc",
        "@1abcd", "@a b cd", "@" + "a" * 33, "@sh\u043ep", "@shop\r\nX: y", "https://t.me/shop", "@shop/../getMe",
    ],
)  # fmt: skip
def test_anything_else_is_refused(chat: str) -> None:
    with pytest.raises(InvalidProfile) as refused:
        check_telegram_chat(chat, "/here")
    assert (refused.value.code, refused.value.pointer) == ("invalid_telegram", "/here")


@given(st.integers(-(2**70), 2**70))
def test_an_id_has_52_bits(chat: int) -> None:
    try:
        check_telegram_chat(str(chat), "")
        right = True
    except InvalidProfile:
        right = False
    assert right is (0 < abs(chat) < 2**52)


def test_names_have_no_case() -> None:
    assert TELEGRAM_CHAT.identity("@Shop") == TELEGRAM_CHAT.identity("@shop")
