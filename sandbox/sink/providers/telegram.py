"""Telegram's Bot API, as far as sendMessage goes."""

from __future__ import annotations

import re
from typing import Any, Final

import orjson
from aiohttp import web

from sandbox.sink import accounts
from sandbox.sink.faults import HttpFault
from sandbox.sink.messages import Message, MessageKind
from shared.process.clock import now_ms

UPGRADED: Final = "group chat was upgraded to a supergroup chat"
"""A fault with this code says that the chat has become SUPERGROUP."""
SUPERGROUP: Final = -1009999999999
_TAGS: Final = re.compile(
    r"</?(?:b|strong|i|em|u|ins|s|strike|del|a|code|pre|span|tg-spoiler|blockquote)(?:\s[^<>]*)?>"
)
_PREFIXES: Final = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 429: "Too Many Requests"}


class FakeTelegram:
    """As https://api.telegram.org answers."""

    name = "telegram"
    path = "/telegram/bot{token}/sendMessage"

    def read(self, request: web.Request, body: bytes) -> Message | web.Response:
        """The JSON that it is sent."""
        if request.match_info["token"] != accounts.TELEGRAM_TOKEN:
            return _error(401, "Unauthorized")
        try:
            said = orjson.loads(body)
        except orjson.JSONDecodeError:
            said = None
        if not isinstance(said, dict) or not said.get("chat_id"):
            return _error(400, "Bad Request: chat_id is empty")
        text = said.get("text")
        if not isinstance(text, str) or not text.strip():
            return _error(400, "Bad Request: message text is empty")
        mode = said.get("parse_mode")
        if mode not in (None, "HTML") or (mode and "<" in _TAGS.sub("", text)):
            return _error(400, "Bad Request: can't parse entities: unsupported start tag")
        if len((_TAGS.sub("", text) if mode else text).encode("utf-16-le")) > 2 * 4096:
            return _error(400, "Bad Request: message is too long")
        return Message(
            kind=MessageKind.TELEGRAM,
            to=[str(said["chat_id"])],
            at_ms=now_ms(),
            headers=[],
            envelope={"provider": self.name, **said},
            body=body.decode(),
            text=None if mode else text,
            html=text if mode else None,
        )

    def taken(self, message: Message) -> web.Response:
        """200, with the message's number in its chat."""
        result = {"message_id": message.n, "date": message.at_ms // 1000, "chat": {"id": message.to[0]}}
        return web.json_response({"ok": True, "result": result})

    def refusal(self, fault: HttpFault) -> web.Response:
        """An error in its words: `code` is what follows the colon."""
        says = fault.code or "told to fail, says the sink"
        parameters: dict[str, Any] = {"migrate_to_chat_id": SUPERGROUP} if fault.code == UPGRADED else {}
        if isinstance(fault.retry_after, int):
            says, parameters = f"retry after {fault.retry_after}", {"retry_after": fault.retry_after}
        return _error(fault.status, f"{_PREFIXES.get(fault.status, 'Internal Server Error')}: {says}", parameters)


def _error(status: int, description: str, parameters: dict[str, Any] | None = None) -> web.Response:
    said: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    return web.json_response(said | ({"parameters": parameters} if parameters else {}), status=status)
