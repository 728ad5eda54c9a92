"""SendGrid's signed event webhook."""

from __future__ import annotations

from base64 import b64encode
from typing import Final

import orjson
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, derive_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from sandbox.sink import accounts
from sandbox.sink.callbacks.caller import CallbackOrder, OutgoingCall
from sandbox.sink.messages import Message

TIMESTAMP: Final = "1767614400"


class SendGridEvent:
    """All events go to one place; `bounce` with the code `blocked` is one of the type blocked."""

    def call(self, message: Message, asked: CallbackOrder, base: str) -> OutgoingCall | None:
        """One event, with the message's custom arguments."""
        if not base:
            return None
        event = message.envelope.get("custom_args", {}) | {
            "email": message.to[0], "timestamp": int(TIMESTAMP), "event": asked.status, "sg_event_id": f"event-{message.n}",
            "sg_message_id": f"sink-{message.n}.filter0001",
        }  # fmt: skip
        if asked.status == "bounce":
            event |= {"type": "blocked" if asked.code == "blocked" else "bounce", "status": "5.1.1"}
        body = orjson.dumps([event]) + b"\r\n"
        key = derive_private_key(accounts.SENDGRID_PRIVATE_NUMBER, SECP256R1())
        signature = b64encode(key.sign(TIMESTAMP.encode() + body, ECDSA(SHA256()))).decode()
        headers = {
            "Content-Type": "application/json",
            "X-Twilio-Email-Event-Webhook-Signature": signature,
            "X-Twilio-Email-Event-Webhook-Timestamp": TIMESTAMP,
        }
        return OutgoingCall(f"{base}/v1/callbacks/sendgrid", headers, body)
