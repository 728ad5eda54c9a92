"""Twilio's Messages API, as far as sending an SMS goes."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import parse_qs

from aiohttp import web

from sandbox.sink import accounts
from sandbox.sink.faults import HttpFault
from sandbox.sink.messages import Message, MessageKind
from shared.process.clock import now_ms


class FakeTwilio:
    """As https://api.twilio.com answers."""

    name = "twilio"
    path = "/twilio/2010-04-01/Accounts/{account}/Messages.json"

    def read(self, request: web.Request, body: bytes) -> Message | web.Response:
        """The form that it is sent."""
        wanted = b64encode(f"{accounts.TWILIO_SID}:{accounts.TWILIO_TOKEN}".encode()).decode()
        if (
            request.match_info["account"] != accounts.TWILIO_SID
            or request.headers.get("Authorization") != f"Basic {wanted}"
        ):
            return _error(401, 20003, "Authenticate")
        form = {name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
        if not form.get("To"):
            return _error(400, 21604, "A 'To' phone number is required.")
        if not form.get("From") and not form.get("MessagingServiceSid"):
            return _error(400, 21603, "A 'From' phone number is required.")
        if not form.get("Body"):
            return _error(400, 21602, "Message body is required.")
        return Message(
            kind=MessageKind.SMS,
            to=[form["To"]],
            at_ms=now_ms(),
            headers=[],
            envelope={"provider": self.name, **form},
            body=body.decode(),
            text=form["Body"],
        )

    def taken(self, message: Message) -> web.Response:
        """201, with the message's SID."""
        return web.json_response({"sid": f"SM{message.n:032x}", "status": "queued"}, status=201)

    def refusal(self, fault: HttpFault) -> web.Response:
        """An error in its words."""
        return _error(fault.status, int(fault.code or fault.status), "told to fail, says the sink")


def _error(status: int, code: int, message: str) -> web.Response:
    return web.json_response({"code": code, "message": message, "status": status}, status=status)
