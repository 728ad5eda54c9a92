"""Meta's webhook of WhatsApp."""

from __future__ import annotations

import hmac
from typing import Any

import orjson

from sandbox.sink import accounts
from sandbox.sink.callbacks.caller import CallbackOrder, OutgoingCall
from sandbox.sink.messages import Message


class MetaStatus:
    """All statuses go to one place."""

    def call(self, message: Message, asked: CallbackOrder, base: str) -> OutgoingCall | None:
        """One status, with what came with the message, signed with the app's secret."""
        if not base:
            return None
        status: dict[str, Any] = {
            "id": f"wamid.sink-{message.n}", "status": asked.status, "timestamp": "1767614400",
            "recipient_id": message.to[0].removeprefix("+"),
            "biz_opaque_callback_data": message.envelope.get("biz_opaque_callback_data"),
        }  # fmt: skip
        if asked.code:
            status["errors"] = [{"code": int(asked.code), "title": "told to fail, says the sink"}]
        value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": accounts.WHATSAPP_NUMBER_ID}}
        change = {"field": "messages", "value": value | {"statuses": [status]}}
        body = orjson.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]})
        signature = hmac.new(accounts.WHATSAPP_APP_SECRET.encode(), body, "sha256").hexdigest()
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}
        return OutgoingCall(f"{base}/v1/callbacks/meta", headers, body)
