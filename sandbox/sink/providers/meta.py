"""Meta's Cloud API for WhatsApp, as far as sending goes."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web

from sandbox.sink import accounts
from sandbox.sink.faults import HttpFault
from sandbox.sink.messages import Message, MessageKind
from shared.process.clock import now_ms


class FakeMeta:
    """As https://graph.facebook.com answers."""

    name = "meta"
    path = "/meta/{version}/{number}/messages"

    def read(self, request: web.Request, body: bytes) -> Message | web.Response:
        """The JSON that it is sent."""
        if request.headers.get("Authorization") != f"Bearer {accounts.WHATSAPP_TOKEN}":
            return _error(401, 190, "Invalid OAuth access token - Cannot parse access token")
        if request.match_info["number"] != accounts.WHATSAPP_NUMBER_ID:
            return _error(400, 100, "Unsupported post request. Object does not exist", subcode=33)
        try:
            said = orjson.loads(body)
        except orjson.JSONDecodeError:
            return _error(400, 100, "Invalid parameter")
        if not isinstance(said, dict) or said.get("messaging_product") != "whatsapp":
            return _error(400, 100, "The parameter messaging_product is required.")
        if not said.get("to"):
            return _error(400, 131008, "Required parameter is missing")
        text = _said(said)
        if isinstance(text, web.Response):
            return text
        return Message(
            kind=MessageKind.WHATSAPP,
            to=[said["to"]],
            at_ms=now_ms(),
            headers=[],
            envelope={"provider": self.name, **said},
            body=body.decode(),
            text=text,
        )

    def taken(self, message: Message) -> web.Response:
        """200, with the message's id."""
        number = message.to[0].removeprefix("+")
        return web.json_response(
            {
                "messaging_product": "whatsapp",
                "contacts": [{"input": message.to[0], "wa_id": number}],
                "messages": [{"id": f"wamid.sink-{message.n}", "message_status": "accepted"}],
            }
        )

    def refusal(self, fault: HttpFault) -> web.Response:
        """Its own code; without one, the HTTP status of whoever stands before it."""
        if fault.code is None:
            return web.Response(status=fault.status)
        return _error(fault.status, int(fault.code), "told to fail, says the sink")


def _said(said: dict[str, Any]) -> str | web.Response:
    """What a reader may see of it: the text, or the name of a template and what stands in its places."""
    if said.get("type") == "text":
        text = said.get("text", {}).get("body")
        if not text:
            return _error(400, 131008, "Required parameter is missing")
        return str(text) if len(text) <= 4096 else _error(400, 100, "Invalid parameter")
    template = said.get("template") or {}
    if said.get("type") != "template" or not template.get("name") or not template.get("language", {}).get("code"):
        return _error(400, 131009, "Parameter value is not valid")
    places = [place for part in template.get("components", ()) for place in part["parameters"]]
    for place in places:
        if not place.get("text"):
            return _error(400, 131008, "Required parameter is missing")
        if "\n" in place["text"] or "\t" in place["text"] or " " * 5 in place["text"]:
            return _error(400, 132018, "There was an issue with the parameters in your template")
    return " | ".join([template["name"], template["language"]["code"], *(place["text"] for place in places)])


def _error(status: int, code: int, message: str, subcode: int | None = None) -> web.Response:
    error: dict[str, Any] = {"message": f"(#{code}) {message}", "type": "OAuthException", "code": code}
    if subcode is not None:
        error["error_subcode"] = subcode
    return web.json_response({"error": {**error, "fbtrace_id": "sink"}}, status=status)
