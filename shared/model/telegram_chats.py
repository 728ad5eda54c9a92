"""Chats on Telegram: what a profile or an inline person says of one."""

from __future__ import annotations

import re
from typing import Final

from shared.model.addresses import AddressKind
from shared.model.errors import InvalidProfile

MAX_CHAT: Final = 2**52
"""Ids have at most 52 significant bits, says the Bot API."""
_ID: Final = re.compile("-?[1-9][0-9]{0,15}")
_NAME: Final = re.compile("@[A-Za-z][A-Za-z0-9_]{3,31}")


def check_telegram_chat(value: str, pointer: str) -> str:
    """The decimal id of a chat, below zero for a group, or the @name of a public one, as it is. Raises InvalidProfile."""
    if _NAME.fullmatch(value) or (_ID.fullmatch(value) and abs(int(value)) < MAX_CHAT):
        return value
    raise InvalidProfile(
        "invalid_telegram",
        "write the id of a chat, as 123456789 or -1001234567890, or the @name of a public one",
        pointer,
    )


TELEGRAM_CHAT: Final = AddressKind(
    name="telegram",
    check=check_telegram_chat,
    schema={
        "type": "string",
        "pattern": f"^({_ID.pattern}|{_NAME.pattern})$",
        "description": "chat id, or @name of a public chat",
    },
    example="123456789",
    identity=str.lower,
)
