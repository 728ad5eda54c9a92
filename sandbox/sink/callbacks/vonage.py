"""Vonage's delivery receipt."""

from __future__ import annotations

import hmac

import orjson

from sandbox.sink import accounts
from sandbox.sink.callbacks.caller import CallbackOrder, OutgoingCall
from sandbox.sink.messages import Message


class VonageReceipt:
    """To the `callback` of the message, as JSON."""

    def call(self, message: Message, asked: CallbackOrder, base: str) -> OutgoingCall | None:
        """Signed by SHA-256 HMAC, as an account may have it."""
        del base
        url = message.envelope.get("callback")
        if not url:
            return None
        receipt = {
            "msisdn": message.to[0].removeprefix("+"), "to": str(message.envelope.get("from", "")),
            "network-code": "23410", "messageId": f"sink-{message.n}", "price": "0.03330000", "status": asked.status,
            "scts": "2601051200", "err-code": asked.code or "0", "api-key": accounts.VONAGE_KEY,
            "client-ref": str(message.envelope.get("client-ref", "")), "message-timestamp": "2026-01-05 12:00:00",
            "timestamp": "1767614400", "nonce": f"nonce-{message.n}",
        }  # fmt: skip
        text = "".join(f"&{name}={receipt[name]}" for name in sorted(receipt))
        key = accounts.VONAGE_SIGNATURE_SECRET.encode()
        signed = receipt | {"sig": hmac.new(key, text.encode(), "sha256").hexdigest().upper()}
        return OutgoingCall(str(url), {"Content-Type": "application/json"}, orjson.dumps(signed))
