"""Twilio's status callbacks of messages.

https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from services.ingest.callbacks.provider import (
    MAX_CALL_BYTES,
    ProviderCall,
    Reported,
    UnreadableCallback,
    code_of,
    fields_of,
)
from shared.model.receipts import ReceiptState

DEAD_CODES: Final = frozenset({"21211", "21214", "21217", "21604", "21614", "21635", "30005", "30006"})
"""Of a failure: nothing reaches this number."""
STOP_CODES: Final = frozenset({"21610"})
"""Of a failure: who reads there answered STOP."""
_FAILED: Final = frozenset({"undelivered", "failed"})
_ARRIVED: Final = frozenset({"delivered", "read"})
_PORTS: Final = {"http": 80, "https": 443}


class TwilioCallbacks:
    """Of one account; without its auth token the signed path alone says that a call is genuine."""

    account = "sms/twilio"
    max_bytes = MAX_CALL_BYTES
    tokens_in_path = True

    def __init__(self, auth_token: str) -> None:
        self._key = auth_token.encode()

    def is_genuine(self, call: ProviderCall) -> bool:
        """By X-Twilio-Signature. The port may be left out of what it signs, or named where nobody named it."""
        if not self._key:
            return True
        given = call.headers.get("x-twilio-signature", "").encode()
        try:
            fields = fields_of(call.body)
        except UnreadableCallback:
            return False
        made = [signature(self._key, url, fields) for url in _spellings(call.url)]
        return any(hmac.compare_digest(each, given) for each in made)

    def read(self, call: ProviderCall) -> Sequence[Reported]:
        """What MessageStatus says; one on its way is nothing to tell."""
        fields = dict(fields_of(call.body))
        status, code = fields.get("MessageStatus") or fields.get("SmsStatus"), code_of(fields.get("ErrorCode"))
        if status in _ARRIVED:
            return [Reported(ReceiptState.DELIVERED)]
        if status in _FAILED:
            state = ReceiptState.BOUNCED if code in DEAD_CODES else ReceiptState.UNDELIVERED
            return [Reported(state, code, unsubscribed=code in STOP_CODES)]
        return []


def signature(key: bytes, url: str, fields: Sequence[tuple[str, str]]) -> bytes:
    """The URL, then each field's name and value, by name.

    https://www.twilio.com/docs/usage/webhooks/webhooks-security
    """
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    return b64encode(hmac.digest(key, signed.encode(), "sha1"))


def _spellings(url: str) -> list[str]:
    """With the port and without."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    bare = f"[{host}]" if ":" in host else host
    port = parts.port or _PORTS.get(parts.scheme, 0)
    return [url, parts._replace(netloc=bare).geturl(), parts._replace(netloc=f"{bare}:{port}").geturl()]
