"""Vonage's delivery receipts of SMS.

https://developer.vonage.com/messaging/sms/guides/delivery-receipts
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Final

import orjson

from services.ingest.callbacks.keys import VonageSignature
from services.ingest.callbacks.provider import (
    MAX_CALL_BYTES,
    ProviderCall,
    Reported,
    UnreadableCallback,
    code_of,
    fields_of,
)
from shared.model.receipts import ReceiptState

DEAD_CODES: Final = frozenset({"3", "4"})
"""The number is not active any more, or bars all such messages: both are to be removed, Vonage says."""
_FAILED: Final = frozenset({"expired", "failed", "rejected"})
Fields = Mapping[str, object]


class VonageCallbacks:
    """Of one account, by GET, as a form or as JSON, whichever its dashboard says."""

    account = "sms/vonage"
    max_bytes = MAX_CALL_BYTES
    tokens_in_path = True

    def __init__(self, secret: str, method: VonageSignature) -> None:
        self._secret = secret
        self._method = method

    def is_genuine(self, call: ProviderCall) -> bool:
        """By `sig`, which an account has once its support has switched it on."""
        if not self._secret:
            return True
        try:
            fields = _fields(call)
        except UnreadableCallback:
            return False
        given = str(fields.get("sig", "")).lower()
        return hmac.compare_digest(signature(self._secret, self._method, fields).encode(), given.encode())

    def read(self, call: ProviderCall) -> Sequence[Reported]:
        """What `status` says; one on its way, or of which nothing is known, is nothing to tell."""
        fields = _fields(call)
        status, code = fields.get("status"), code_of(fields.get("err-code"))
        if status == "delivered":
            return [Reported(ReceiptState.DELIVERED)]
        if status in _FAILED:
            return [Reported(ReceiptState.BOUNCED if code in DEAD_CODES else ReceiptState.UNDELIVERED, code)]
        return []


def signature(secret: str, method: VonageSignature, fields: Fields) -> str:
    """In lower case hex.

    https://developer.vonage.com/getting-started/concepts/signing-messages
    """
    signed = "".join(f"&{name}={_plain(value)}" for name, value in sorted(fields.items()) if name != "sig")
    if method is VonageSignature.MD5_HASH:
        return hashlib.md5((signed + secret).encode(), usedforsecurity=False).hexdigest()
    return hmac.new(secret.encode(), signed.encode(), method.value).hexdigest()


def _plain(value: object) -> str:
    return str(value).replace("&", "_").replace("=", "_")


def _fields(call: ProviderCall) -> Fields:
    """All of the query and the body. Raises UnreadableCallback."""
    fields: dict[str, object] = dict(fields_of(call.query))
    if not call.body:
        return fields
    if "json" not in call.headers.get("content-type", ""):
        return fields | dict(fields_of(call.body))
    try:
        said = orjson.loads(call.body)
    except orjson.JSONDecodeError as error:
        raise UnreadableCallback("unreadable_callback", "it is no JSON") from error
    if not isinstance(said, dict) or any(isinstance(value, dict | list) for value in said.values()):
        raise UnreadableCallback("unreadable_callback", "it is no flat JSON object")
    return fields | said
