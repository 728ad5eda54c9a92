"""Meta's webhook of WhatsApp: what became of messages.

https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/payload-examples
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Sequence
from typing import Final

import orjson

from services.ingest.callbacks.provider import ProviderCall, Reported, UnreadableCallback, code_of, fields_of
from shared.http.bodies import MAX_BODY
from shared.model.receipts import ReceiptState

MAX_STATUSES: Final = 2_000
_STATES: Final = {
    "delivered": ReceiptState.DELIVERED,
    "read": ReceiptState.DELIVERED,
    "failed": ReceiptState.UNDELIVERED,
}
"""One that failed says nothing of the number: who is not on WhatsApp still gets SMS."""
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


class MetaCallbacks:
    """Of one app; all of its calls come to one place, and each status repeats what was given with its message."""

    account = "whatsapp/meta"
    max_bytes = MAX_BODY
    tokens_in_path = False

    def __init__(self, app_secret: str) -> None:
        self._key = app_secret.encode()

    def is_genuine(self, call: ProviderCall) -> bool:
        """By X-Hub-Signature-256 of the body as it came."""
        expected = f"sha256={hmac.new(self._key, call.body, 'sha256').hexdigest()}"
        return hmac.compare_digest(expected.encode(), call.headers.get("x-hub-signature-256", "").encode())

    def read(self, call: ProviderCall) -> Sequence[Reported]:
        """The statuses of messages of ours; what people write is none."""
        try:
            said = orjson.loads(call.body)
        except orjson.JSONDecodeError as error:
            raise UnreadableCallback("unreadable_callback", "it is no JSON") from error
        found = list(_statuses(said))
        if len(found) > MAX_STATUSES:
            raise UnreadableCallback("unreadable_callback", f"it has more than {MAX_STATUSES} statuses")
        return [report for each in found if (report := _report(each)) is not None]


def challenge(query: bytes, verify_token: str) -> str | None:
    """The answer to the call that asks, once, whether anybody is here; None: it is not from who knows the token."""
    try:
        fields = dict(fields_of(query))
    except UnreadableCallback:
        return None
    given, asked = fields.get("hub.verify_token", ""), fields.get("hub.challenge", "")
    knows = bool(verify_token) and hmac.compare_digest(given.encode(), verify_token.encode())
    return asked if knows and fields.get("hub.mode") == "subscribe" and _CHALLENGE.fullmatch(asked) else None


def _statuses(said: object) -> Iterator[dict[str, object]]:
    for entry in _objects(said, "entry"):
        for change in _objects(entry, "changes"):
            yield from _objects(change.get("value"), "statuses")


def _objects(of: object, name: str) -> list[dict[str, object]]:
    found = of.get(name) if isinstance(of, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _report(status: dict[str, object]) -> Reported | None:
    token, word = status.get("biz_opaque_callback_data"), status.get("status")
    state = _STATES.get(word) if isinstance(word, str) else None
    if state is None or not isinstance(token, str):
        return None
    code = next((code_of(error.get("code")) for error in _objects(status, "errors")), None)
    return Reported(state, code, token)
