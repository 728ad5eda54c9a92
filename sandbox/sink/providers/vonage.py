"""Vonage's SMS API."""

from __future__ import annotations

import orjson
from aiohttp import web

from sandbox.sink import accounts
from sandbox.sink.faults import HttpFault
from sandbox.sink.messages import Message, MessageKind
from shared.process.clock import now_ms


class FakeVonage:
    """As https://rest.nexmo.com answers: 200, and what became of it in the body."""

    name = "vonage"
    path = "/vonage/sms/json"

    def read(self, request: web.Request, body: bytes) -> Message | web.Response:
        """The JSON that it is sent."""
        del request
        try:
            said = orjson.loads(body)
        except orjson.JSONDecodeError:
            return _status("6")
        if (said.get("api_key"), said.get("api_secret")) != (accounts.VONAGE_KEY, accounts.VONAGE_SECRET):
            return _status("4")
        if not (said.get("to") and said.get("from") and said.get("text")):
            return _status("2")
        return Message(
            kind=MessageKind.SMS,
            to=[f"+{said['to']}"],
            at_ms=now_ms(),
            headers=[],
            envelope={"provider": self.name, **{name: value for name, value in said.items() if name != "api_secret"}},
            body=body.decode(),
            text=said["text"],
        )

    def taken(self, message: Message) -> web.Response:
        """Status 0, with the message's id."""
        return web.json_response(
            {
                "message-count": "1",
                "messages": [{"status": "0", "message-id": f"sink-{message.n}", "to": message.to[0]}],
            }
        )

    def refusal(self, fault: HttpFault) -> web.Response:
        """Its own code in a 200; without one, the HTTP status of whoever stands before it."""
        return web.Response(status=fault.status) if fault.code is None else _status(fault.code)


def _status(status: str) -> web.Response:
    return web.json_response({"message-count": "1", "messages": [{"status": status, "error-text": "told to fail"}]})
