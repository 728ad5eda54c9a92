"""Vonage's SMS API, and what its answers mean."""

from __future__ import annotations

from typing import Final

import orjson

from services.delivery.channels.callback_urls import CallbackUrls
from services.delivery.channels.sms.compose import compose, is_gsm7
from services.delivery.channels.sms.settings import SmsSettings
from services.delivery.core.attempts import AttemptFault, Failed, Outcome
from services.delivery.core.meanings import UNREADABLE_ANSWER, Meaning, meaning_of_status, outcome_of
from services.delivery.outbound.http import HttpAnswer, HttpRequest
from shared.model.deliveries import Delivery
from shared.model.tenants import TenantSettings
from shared.model.workflows import Workflow

TAKEN: Final = "0"
MEANINGS: Final = {
    TAKEN: Meaning.TAKEN,
    "1": Meaning.THROTTLED,
    "2": Meaning.PERMANENT,  # a parameter is missing
    "3": Meaning.PERMANENT,  # a parameter is wrong
    "4": Meaning.OUR_FAULT,  # key or secret
    "5": Meaning.TRANSIENT,
    "6": Meaning.PERMANENT,  # not understood
    "7": Meaning.PERMANENT,  # the number is on their block list
    "8": Meaning.OUR_FAULT,  # the account is barred
    "9": Meaning.OUR_FAULT,  # no credit left
    "10": Meaning.THROTTLED,  # too many connections
    "11": Meaning.OUR_FAULT,  # the account may not use this API
    "12": Meaning.PERMANENT,  # too long
    "14": Meaning.OUR_FAULT,  # signature
    "15": Meaning.OUR_FAULT,  # the sender is not allowed
    "16": Meaning.PERMANENT,
    "19": Meaning.OUR_FAULT,
    "20": Meaning.OUR_FAULT,
    "22": Meaning.PERMANENT,  # a network that there is not
    "23": Meaning.OUR_FAULT,  # the callback's URL
    "29": Meaning.PERMANENT,  # a demo account sends to its own numbers only
    "33": Meaning.DEAD_ADDRESS,  # deactivated
}
"""By `status` of the one message: https://developer.vonage.com/messaging/sms/guides/troubleshooting-sms"""


class Vonage:
    """One account. `client-ref` has the delivery id: it is told in receipts, and keeps nothing from being sent twice."""

    def __init__(self, settings: SmsSettings) -> None:
        self._url = f"{settings.vonage_url}/sms/json"
        self._callbacks = CallbackUrls(settings)
        self._account = {
            "api_key": settings.vonage_api_key,
            "api_secret": settings.vonage_api_secret.get_secret_value(),
            "from": settings.vonage_from,
        }

    async def request(
        self, delivery: Delivery, workflow: Workflow, tenant: TenantSettings | None
    ) -> HttpRequest | Outcome:
        """The message. Raises RenderFailed."""
        text = compose(delivery, workflow, tenant)
        body = {
            **self._account,
            "to": delivery.address.removeprefix("+"),
            "text": text,
            "type": "text" if is_gsm7(text) else "unicode",
            "client-ref": delivery.id,
        }
        if (url := self._callbacks.of("vonage", delivery)) is not None:
            body["callback"] = url
        return HttpRequest(url=self._url, headers={"content-type": "application/json"}, body=orjson.dumps(body))

    def judge(self, answer: HttpAnswer, now: int) -> Outcome:
        """By the status of each part of the message: the HTTP status is 200 whatever became of it."""
        wait = answer.retry_after_ms(now)
        if not 200 <= answer.status < 300:
            return outcome_of(meaning_of_status(answer.status), str(answer.status), retry_after_ms=wait)
        messages = answer.json().get("messages")
        parts = [part for part in messages if isinstance(part, dict)] if isinstance(messages, list) else []
        if not parts:
            return outcome_of(Meaning.UNREADABLE, UNREADABLE_ANSWER)
        statuses = [str(part.get("status")) for part in parts]
        refused = next((status for status in statuses if status != TAKEN), None)
        if refused is not None:
            code = f"status {refused[:8]}"
            if TAKEN in statuses:  # another provider would send what has arrived once more
                return Failed(code=code, retry_after_ms=wait, fault=AttemptFault.PROVIDER, unconfirmed=True)
            return outcome_of(MEANINGS.get(refused, Meaning.TRANSIENT), code, retry_after_ms=wait)
        receipt = parts[0].get("message-id")
        return outcome_of(Meaning.TAKEN, TAKEN, receipt=receipt[:64] if isinstance(receipt, str) else None)
