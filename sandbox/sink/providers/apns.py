"""Apple's push service, as far as sending an alert goes."""

from __future__ import annotations

import re
from typing import Final

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sandbox.sink.faults import HttpMode, SinkFaults
from sandbox.sink.http2 import Http2Answer, Http2Request
from sandbox.sink.messages import Message, MessageKind, Messages
from sandbox.sink.push_keys import APNS_KEY, APNS_KEY_ID, APNS_TEAM_ID, APNS_TOPIC
from shared.process.clock import now_ms

NAME: Final = "apns"
PATH: Final = re.compile(r"/3/device/([0-9a-f]{64,200})")


class FakeApns:
    """As https://api.push.apple.com answers."""

    def __init__(self, messages: Messages, faults: SinkFaults) -> None:
        self._messages = messages
        self._faults = faults
        key = load_pem_private_key(APNS_KEY.encode(), password=None)
        assert isinstance(key, EllipticCurvePrivateKey)  # noqa: S101  # it stands beside
        self._key = key.public_key()

    def answer(self, request: Http2Request) -> Http2Answer:
        """One call of its API."""
        found = PATH.fullmatch(request.path)
        to = None if found is None else f"apns:{found[1]}"
        fault = self._faults.provider(NAME, to)
        if fault is not None and fault.mode is HttpMode.STATUS:
            headers = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
            return _refusal(fault.status, fault.code, headers)
        if fault is not None and fault.mode is HttpMode.GARBAGE:
            return Http2Answer(status=500, body=b"\xff\x00<html>{[")
        if fault is not None and fault.mode is not HttpMode.SLOW:
            return Http2Answer(status=500, fault=fault)
        reason = self._wrong(request)
        if reason is not None or to is None:
            return _refusal(403 if "Provider" in (reason or "") else 400, reason or "BadDeviceToken")
        self._messages.add(_message(to, request))
        return Http2Answer(status=200, headers={"apns-id": request.headers["apns-id"]}, fault=fault)

    def _wrong(self, request: Http2Request) -> str | None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            claims = jwt.decode(token, self._key, algorithms=["ES256"])
            key_id = jwt.get_unverified_header(token).get("kid")
        except jwt.InvalidTokenError:
            return "InvalidProviderToken"
        if kind != "bearer" or (claims.get("iss"), key_id) != (APNS_TEAM_ID, APNS_KEY_ID):
            return "InvalidProviderToken"
        if now_ms() // 1000 - claims["iat"] > 3600:
            return "ExpiredProviderToken"
        if request.headers.get("apns-topic") != APNS_TOPIC:
            return "BadTopic"
        if len(request.headers.get("apns-collapse-id", "")) > 64:
            return "BadCollapseId"
        if len(request.body) > 4096:
            return "PayloadTooLarge"
        return None if request.body else "PayloadEmpty"


def _message(to: str, request: Http2Request) -> Message:
    said = orjson.loads(request.body)
    alert = said["aps"]["alert"]
    return Message(
        kind=MessageKind.PUSH,
        to=[to],
        at_ms=now_ms(),
        headers=list(request.headers.items()),
        envelope={"provider": NAME, **said},
        body=request.body.decode(),
        subject=alert["title"],
        text=alert["body"],
    )


def _refusal(status: int, reason: str | None, headers: dict[str, str] | None = None) -> Http2Answer:
    body = orjson.dumps({"reason": reason}) if reason is not None else b""
    return Http2Answer(status=status, headers=headers or {}, body=body)
