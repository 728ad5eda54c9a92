"""Twilio's status callback."""

from __future__ import annotations

import hmac
from base64 import b64encode
from urllib.parse import urlencode

from sandbox.sink import accounts
from sandbox.sink.callbacks.caller import CallbackOrder, OutgoingCall
from sandbox.sink.messages import Message


class TwilioStatus:
    """To the StatusCallback of the message, without the part behind `#`."""

    def call(self, message: Message, asked: CallbackOrder, base: str) -> OutgoingCall | None:
        """Signed with the auth token."""
        del base
        url = str(message.envelope.get("StatusCallback", "")).partition("#")[0]
        if not url:
            return None
        sid = f"SM{message.n:032x}"
        form = {
            "AccountSid": accounts.TWILIO_SID, "ApiVersion": "2010-04-01", "From": str(message.envelope.get("From", "")),
            "MessageSid": sid, "MessageStatus": asked.status, "SmsSid": sid, "SmsStatus": asked.status, "To": message.to[0],
        } | ({"ErrorCode": asked.code} if asked.code else {})  # fmt: skip
        text = url
        for name in sorted(form):
            text += name + form[name]
        signature = b64encode(hmac.new(accounts.TWILIO_TOKEN.encode(), text.encode(), "sha1").digest()).decode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
        return OutgoingCall(url, headers, urlencode(form).encode())
