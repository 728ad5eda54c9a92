"""SendGrid's Mail Send API (v3)."""

from __future__ import annotations

from typing import Any, Final

import orjson
from aiohttp import web

from sandbox.sink import accounts
from sandbox.sink.faults import HttpFault
from sandbox.sink.messages import Message, MessageKind
from shared.process.clock import now_ms

RESERVED: Final = frozenset(
    {
        "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding", "to", "from",
        "subject", "reply-to", "cc", "bcc",
    }
)  # fmt: skip
"""Headers that it sets itself, and refuses."""


class FakeSendGrid:
    """As https://api.sendgrid.com answers; what it takes is an e-mail as one by SMTP is."""

    name = "sendgrid"
    path = "/sendgrid/v3/mail/send"

    def read(self, request: web.Request, body: bytes) -> Message | web.Response:
        """The JSON that it is sent."""
        if request.headers.get("Authorization") != f"Bearer {accounts.SENDGRID_KEY}":
            return _error(401, "The provided authorization grant is invalid, expired, or revoked")
        try:
            said = orjson.loads(body)
            return self._message(said, body)
        except (orjson.JSONDecodeError, TypeError, LookupError, AttributeError):
            return _error(400, "Bad Request")

    def taken(self, message: Message) -> web.Response:
        """202 without a body; the message's id is a header."""
        return web.Response(status=202, headers={"X-Message-Id": f"sink-{message.n}"})

    def refusal(self, fault: HttpFault) -> web.Response:
        """An error in its words; the code of a fault is the field that is wrong."""
        answer = _error(fault.status, "told to fail, says the sink", fault.code)
        if fault.status == 429 and fault.retry_after is None:
            answer.headers["X-RateLimit-Reset"] = str(now_ms() // 1000 + 3)
        return answer

    def _message(self, said: dict[str, Any], body: bytes) -> Message | web.Response:
        """Raises what a document of another form leads to."""
        to = [each["email"] for each in said["personalizations"][0]["to"]]
        parts = {part["type"]: part["value"] for part in said["content"]}
        if any("@" not in address for address in to):
            return _error(400, "Does not contain a valid address.", "personalizations.0.to.0.email")
        if not said.get("subject"):
            return _error(400, "The subject is required.", "subject")
        if not parts or not all(parts.values()):
            return _error(400, "It must be at least one character in length.", "content.0.value")
        if list(parts) not in (["text/plain"], ["text/html"], ["text/plain", "text/html"]):
            return _error(400, "If present, text/plain and text/html must be first, in that order.", "content")
        headers = {str(name): str(value) for name, value in said.get("headers", {}).items()}
        if RESERVED & {name.lower() for name in headers}:
            return _error(400, "The header is reserved.", "headers")
        return Message(
            kind=MessageKind.EMAIL,
            to=to,
            at_ms=now_ms(),
            headers=list(headers.items()),
            envelope={"provider": self.name, "from": said["from"], "custom_args": said.get("custom_args", {})},
            body=body.decode(),
            subject=said["subject"],
            text=parts.get("text/plain"),
            html=parts.get("text/html"),
        )


def _error(status: int, message: str, field: str | None = None) -> web.Response:
    return web.json_response({"errors": [{"message": message, "field": field, "help": None}]}, status=status)
