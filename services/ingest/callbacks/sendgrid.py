"""SendGrid's signed event webhook.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

import orjson

from services.ingest.callbacks.provider import ProviderCall, Reported, UnreadableCallback, code_of
from services.ingest.callbacks.public_keys import has_signed, parse_public_key
from shared.http.bodies import MAX_BODY
from shared.model.callback_links import CALLBACK_ARGUMENT
from shared.model.receipts import ReceiptState

MAX_EVENTS: Final = 2_000
_SIGNATURE: Final = "x-twilio-email-event-webhook-signature"
_TIMESTAMP: Final = "x-twilio-email-event-webhook-timestamp"
_DEAD_BEFORE: Final = ("Bounced Address", "Invalid")
"""Why it dropped one that it did not even try: its own list knows the address."""
_NOT_THE_ADDRESS: Final = ("Reputation", "Content", "Technical Failure", "Frequency or Volume Too High")
"""Classes of bounces: https://www.twilio.com/docs/sendgrid/ui/analytics-and-reporting/bounce-and-block-classifications"""
_NOT_FOR_GOOD: Final = re.compile(r"4\.|\d\.7\.")
"""Statuses of what is over for now, and of what somebody's policy is against."""


class SendGridCallbacks:
    """Of one account; all of its events come to one place, and each has the message's token among its arguments."""

    account = "email/sendgrid"
    max_bytes = MAX_BODY
    tokens_in_path = False

    def __init__(self, public_key: str) -> None:
        self._key = parse_public_key(public_key)

    def is_genuine(self, call: ProviderCall) -> bool:
        """By the signature of timestamp and body, as they came."""
        signed = call.headers.get(_TIMESTAMP, "").encode() + call.body
        return has_signed(self._key, call.headers.get(_SIGNATURE, ""), signed)

    def read(self, call: ProviderCall) -> Sequence[Reported]:
        """Its events about messages of ours, as far as they mean anything here."""
        try:
            events = orjson.loads(call.body)
        except orjson.JSONDecodeError as error:
            raise UnreadableCallback("unreadable_callback", "it is no JSON") from error
        if not isinstance(events, list) or len(events) > MAX_EVENTS:
            raise UnreadableCallback("unreadable_callback", f"it is no list of at most {MAX_EVENTS} events")
        return list(_reported(events))


def _reported(events: Sequence[object]) -> Iterator[Reported]:
    for event in events:
        token = event.get(CALLBACK_ARGUMENT) if isinstance(event, dict) else None
        if isinstance(event, dict) and isinstance(token, str) and (state := _state(event)) is not None:
            email = event.get("email")
            code = code_of(event.get("status"))
            yield Reported(state, code, token, email if isinstance(email, str) else None)


def _state(event: dict[str, object]) -> ReceiptState | None:
    match event.get("event"):
        case "delivered":
            return ReceiptState.DELIVERED
        case "bounce":
            return ReceiptState.BOUNCED if _is_dead(event) else ReceiptState.UNDELIVERED
        case "blocked":
            return ReceiptState.UNDELIVERED
        case "dropped":
            return ReceiptState.BOUNCED if event.get("reason") in _DEAD_BEFORE else ReceiptState.UNDELIVERED
        case "spamreport":
            return ReceiptState.COMPLAINED
        case _:
            return None


def _is_dead(bounce: dict[str, object]) -> bool:
    """Whether nothing reaches the address; what is blocked or expired is one message's fate, or the sender's reputation."""
    return (
        bounce.get("type", "bounce") == "bounce"
        and bounce.get("bounce_classification") not in _NOT_THE_ADDRESS
        and not _NOT_FOR_GOOD.match(str(bounce.get("status")))
    )
