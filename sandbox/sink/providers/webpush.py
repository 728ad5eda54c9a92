"""A push service of browsers (RFC 8030), and one browser behind it, which can read what is encrypted for it."""

from __future__ import annotations

from base64 import urlsafe_b64decode

import http_ece
import orjson
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from py_vapid import Vapid02

from sandbox.sink.faults import HttpFault
from sandbox.sink.messages import Message, MessageKind
from sandbox.sink.push_keys import BROWSER_AUTH, BROWSER_KEY
from shared.process.clock import now_ms


class FakePushService:
    """As push services of browsers answer; any VAPID key will do, if what it signed is right."""

    name = "webpush"
    path = "/webpush/{subscription}"

    def __init__(self) -> None:
        self._key = derive_private_key(int.from_bytes(_bytes(BROWSER_KEY), "big"), SECP256R1())

    def read(self, request: web.Request, body: bytes) -> Message | web.Response:
        """What it is sent, decrypted."""
        authorization = request.headers.get("Authorization", "")
        if not authorization.startswith("vapid t=") or not Vapid02.verify(authorization):
            return web.Response(status=401, text="vapid")
        claims = orjson.loads(_bytes(authorization.removeprefix("vapid t=").split(".")[1]))
        if claims["aud"] != str(request.url.origin()) or not claims["sub"] or claims["exp"] * 1000 < now_ms():
            return web.Response(status=403, text="claims")
        if "TTL" not in request.headers or request.headers.get("Content-Encoding") != "aes128gcm":
            return web.Response(status=400, text="headers")
        if len(body) > 4096:
            return web.Response(status=413)
        try:
            read = http_ece.decrypt(body, private_key=self._key, auth_secret=_bytes(BROWSER_AUTH), version="aes128gcm")
        except (http_ece.ECEException, ValueError):
            return web.Response(status=400, text="encryption")
        shown = orjson.loads(read)
        return Message(
            kind=MessageKind.PUSH,
            to=[str(request.url)],
            at_ms=now_ms(),
            headers=[(name.lower(), value) for name, value in request.headers.items()],
            envelope={"provider": self.name, **shown},
            body=read.decode(),
            subject=shown["title"],
            text=shown["body"],
        )

    def taken(self, message: Message) -> web.Response:
        """201, with where the message is."""
        return web.Response(status=201, headers={"Location": f"/webpush/message/{message.n}"})

    def refusal(self, fault: HttpFault) -> web.Response:
        """Push services have no codes in common."""
        return web.Response(status=fault.status, text=fault.code or "told to fail, says the sink")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
