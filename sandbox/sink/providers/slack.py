"""Incoming webhooks as Slack has them: a path each, whoever knows it may post."""

from __future__ import annotations

from typing import Any, Final

import orjson
from aiohttp import web

from sandbox.sink.faults import HttpFault
from sandbox.sink.messages import Message, MessageKind
from shared.process.clock import now_ms

MAX_BLOCKS: Final = 50
LONGEST: Final = {"header": ("plain_text", 150), "section": ("mrkdwn", 3000)}
"""By type of block, of what kind its text is, and how long."""


class FakeSlack:
    """As https://hooks.slack.com answers: a word."""

    name = "slack"
    path = "/slack/services/{name}"

    def read(self, request: web.Request, body: bytes) -> Message | web.Response:
        """The JSON that it is sent; it goes to the name in the path."""
        try:
            said = orjson.loads(body)
            blocks: list[dict[str, Any]] = said.get("blocks", [])
            if not said.get("text") and not blocks:
                return _word(400, "no_text")
            if len(blocks) > MAX_BLOCKS or not all(_is_right(block) for block in blocks):
                return _word(400, "invalid_blocks")
        except (orjson.JSONDecodeError, TypeError, LookupError, AttributeError):
            return _word(400, "invalid_payload")
        return Message(
            kind=MessageKind.CHAT,
            to=[request.match_info["name"]],
            at_ms=now_ms(),
            headers=[],
            envelope={"provider": self.name, **said},
            body=body.decode(),
            text=said.get("text"),
        )

    def taken(self, message: Message) -> web.Response:
        """200 and `ok`: it tells no id."""
        del message
        return _word(200, "ok")

    def refusal(self, fault: HttpFault) -> web.Response:
        """The status with its word."""
        return _word(fault.status, fault.code or "told to fail, says the sink")


def _is_right(block: dict[str, Any]) -> bool:
    kind, longest = LONGEST[block["type"]]
    text = block["text"]
    return bool(text["type"] == kind and 1 <= len(text["text"]) <= longest)


def _word(status: int, word: str) -> web.Response:
    return web.Response(status=status, text=word)
