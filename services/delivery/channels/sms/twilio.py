"""Twilio's Messages API (2010-04-01), and what its answers mean."""

from __future__ import annotations

from base64 import b64encode
from typing import Final
from urllib.parse import urlencode

from services.delivery.channels.callback_urls import CallbackUrls
from services.delivery.channels.sms.compose import compose
from services.delivery.channels.sms.settings import SmsSettings
from services.delivery.core.attempts import Outcome
from services.delivery.core.meanings import UNREADABLE_ANSWER, Meaning, meaning_of_status, outcome_of
from services.delivery.outbound.http import HttpAnswer, HttpRequest
from shared.model.deliveries import Delivery
from shared.model.tenants import TenantSettings
from shared.model.workflows import Workflow

MEANINGS: Final = {
    10001: Meaning.OUR_FAULT,  # the account is not active
    20003: Meaning.OUR_FAULT,  # authentication
    20005: Meaning.OUR_FAULT,
    20008: Meaning.OUR_FAULT,  # test credentials
    20404: Meaning.OUR_FAULT,  # no such account
    20429: Meaning.THROTTLED,
    20500: Meaning.TRANSIENT,
    20503: Meaning.PROVIDER_DOWN,
    14107: Meaning.THROTTLED,  # this sender's rate
    21211: Meaning.DEAD_ADDRESS,  # not a number
    21212: Meaning.OUR_FAULT,  # not a sender
    21214: Meaning.DEAD_ADDRESS,  # cannot be reached
    21217: Meaning.DEAD_ADDRESS,
    21219: Meaning.PERMANENT,  # a trial account sends to verified numbers only
    21266: Meaning.PERMANENT,  # from and to are the same
    21408: Meaning.PERMANENT,  # a region that the account does not send to
    21601: Meaning.OUR_FAULT,  # a sender that cannot send SMS, or is not ours
    21602: Meaning.PERMANENT,  # no text
    21603: Meaning.OUR_FAULT,  # no sender
    21604: Meaning.DEAD_ADDRESS,  # no recipient
    21606: Meaning.OUR_FAULT,  # a sender that is not ours
    21608: Meaning.PERMANENT,  # as 21219
    21609: Meaning.OUR_FAULT,  # the callback's URL
    21610: Meaning.UNSUBSCRIBED,  # they answered STOP
    21611: Meaning.THROTTLED,  # this sender's queue is full
    21612: Meaning.PERMANENT,  # not from this sender to this recipient
    21614: Meaning.DEAD_ADDRESS,  # not a mobile number
    21617: Meaning.PERMANENT,  # too long
    21635: Meaning.DEAD_ADDRESS,  # a landline
    21659: Meaning.OUR_FAULT,  # as 21606
    21660: Meaning.OUR_FAULT,  # another account's sender
    21661: Meaning.OUR_FAULT,  # a sender that cannot send SMS
    21701: Meaning.OUR_FAULT,  # no such messaging service
    21703: Meaning.OUR_FAULT,  # the messaging service has no sender
    21705: Meaning.OUR_FAULT,
    30001: Meaning.THROTTLED,  # queue overflow
    30002: Meaning.OUR_FAULT,  # suspended
    30003: Meaning.TRANSIENT,  # the handset is off
    30004: Meaning.PERMANENT,  # blocked
    30005: Meaning.DEAD_ADDRESS,  # unknown handset
    30006: Meaning.DEAD_ADDRESS,  # a landline
    30007: Meaning.PERMANENT,  # filtered
    30008: Meaning.TRANSIENT,
    30022: Meaning.THROTTLED,
    30034: Meaning.OUR_FAULT,  # an unregistered number
    30500: Meaning.TRANSIENT,
    63038: Meaning.OUR_FAULT,  # the day's quota of the account
}
"""By the `code` of an error: https://www.twilio.com/docs/api/errors"""

MAX_CODE: Final = 999_999
CALL_AGAIN: Final = "#rc=5&rp=all"
"""It calls once and gives up, unless it is told to try five times, whatever went wrong; within 15 s."""


class Twilio:
    """One account. It has no field for an id of ours: a message sent twice is two messages."""

    def __init__(self, settings: SmsSettings) -> None:
        self._url = f"{settings.twilio_url}/2010-04-01/Accounts/{settings.twilio_account_sid}/Messages.json"
        account = f"{settings.twilio_account_sid}:{settings.twilio_auth_token.get_secret_value()}"
        self._headers = {
            "authorization": f"Basic {b64encode(account.encode()).decode()}",
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
        }
        sender = settings.twilio_from
        self._callbacks = CallbackUrls(settings)
        self._sender = ("MessagingServiceSid" if sender.startswith("MG") else "From", sender)

    async def request(
        self, delivery: Delivery, workflow: Workflow, tenant: TenantSettings | None
    ) -> HttpRequest | Outcome:
        """The form. Raises RenderFailed."""
        name, sender = self._sender
        form = {"To": delivery.address, name: sender, "Body": compose(delivery, workflow, tenant)}
        if (url := self._callbacks.of("twilio", delivery)) is not None:
            form["StatusCallback"] = url + CALL_AGAIN
        return HttpRequest(url=self._url, headers=self._headers, body=urlencode(form).encode())

    def judge(self, answer: HttpAnswer, now: int) -> Outcome:
        """By the code in the body; by the status where that is not known, but the code is told all the same."""
        said = answer.json()
        if 200 <= answer.status < 300:
            receipt = _text(said.get("sid"))
            if receipt is None:
                return outcome_of(Meaning.UNREADABLE, UNREADABLE_ANSWER)
            return outcome_of(Meaning.TAKEN, str(answer.status), receipt=receipt)
        code = said.get("code")
        wait = answer.retry_after_ms(now)
        if type(code) is int and 0 < code <= MAX_CODE:
            meaning = MEANINGS.get(code) or meaning_of_status(answer.status)
            return outcome_of(meaning, str(code), retry_after_ms=wait)
        return outcome_of(meaning_of_status(answer.status), str(answer.status), retry_after_ms=wait)


def _text(value: object) -> str | None:
    return value[:64] if isinstance(value, str) else None
