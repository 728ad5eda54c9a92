"""Meta's Cloud API for WhatsApp, and what its answers mean."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

import orjson

from services.delivery.channels.callback_urls import CallbackUrls
from services.delivery.channels.whatsapp.compose import compose
from services.delivery.channels.whatsapp.settings import WhatsAppSettings
from services.delivery.core.attempts import Outcome
from services.delivery.core.meanings import UNREADABLE_ANSWER, Meaning, meaning_of_status, outcome_of
from services.delivery.outbound.http import HttpAnswer, HttpRequest
from shared.model.deliveries import Delivery
from shared.model.tenants import TenantSettings
from shared.model.workflows import Workflow

MEANINGS: Final = {
    0: Meaning.OUR_FAULT,  # authentication
    1: Meaning.TRANSIENT,  # unknown
    2: Meaning.PROVIDER_DOWN,
    3: Meaning.OUR_FAULT,  # capability
    4: Meaning.THROTTLED,  # the app's calls
    10: Meaning.OUR_FAULT,  # permission
    17: Meaning.THROTTLED,
    33: Meaning.OUR_FAULT,  # our number was deleted
    100: Meaning.PERMANENT,  # parameter
    190: Meaning.OUR_FAULT,  # token
    368: Meaning.OUR_FAULT,  # restricted for its policies
    613: Meaning.THROTTLED,
    80007: Meaning.THROTTLED,  # the account's calls
    130403: Meaning.PERMANENT,
    130429: Meaning.THROTTLED,  # throughput
    130472: Meaning.PERMANENT,  # an experiment of theirs
    130497: Meaning.PERMANENT,  # country
    131000: Meaning.TRANSIENT,
    131005: Meaning.OUR_FAULT,  # permission
    131008: Meaning.PERMANENT,  # missing
    131009: Meaning.PERMANENT,  # value
    131016: Meaning.PROVIDER_DOWN,
    131021: Meaning.PERMANENT,  # ourselves
    131026: Meaning.DEAD_ADDRESS,  # not on WhatsApp
    131030: Meaning.PERMANENT,  # not on the list of a test number
    131031: Meaning.OUR_FAULT,  # locked
    131037: Meaning.OUR_FAULT,  # no display name yet
    131042: Meaning.OUR_FAULT,  # payment
    131045: Meaning.OUR_FAULT,  # registration
    131047: Meaning.PERMANENT,  # 24 h are over
    131048: Meaning.THROTTLED,  # spam
    131049: Meaning.PERMANENT,  # their choice
    131050: Meaning.PERMANENT,  # opted out of marketing
    131051: Meaning.PERMANENT,  # type
    131052: Meaning.PERMANENT,  # media
    131053: Meaning.PERMANENT,  # media
    131056: Meaning.TRANSIENT,  # too many to this one
    131057: Meaning.PROVIDER_DOWN,  # maintenance
    132000: Meaning.PERMANENT,  # count of parameters
    132001: Meaning.PERMANENT,  # no such template or language
    132005: Meaning.PERMANENT,  # too long
    132007: Meaning.PERMANENT,  # policy
    132012: Meaning.PERMANENT,  # format of a parameter
    132015: Meaning.PERMANENT,  # paused
    132016: Meaning.PERMANENT,  # disabled
    132018: Meaning.PERMANENT,  # format of a parameter
    132068: Meaning.PERMANENT,  # flow
    132069: Meaning.TRANSIENT,  # flow
    133004: Meaning.PROVIDER_DOWN,
    133006: Meaning.OUR_FAULT,  # not verified
    133010: Meaning.OUR_FAULT,  # not registered
    133015: Meaning.OUR_FAULT,  # deleted just now
    135000: Meaning.PERMANENT,
}
"""By `error.code`: https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes"""
PERMISSIONS: Final = range(200, 300)
_INVALID: Final = 100
_NO_OBJECT: Final = 33
"""The subcode of an invalid parameter which is our number's own id."""


class MetaCloudApi:
    """One number. `biz_opaque_callback_data` says which delivery: its webhook repeats it. It keeps nothing from being sent twice."""

    def __init__(self, settings: WhatsAppSettings) -> None:
        place = f"{settings.whatsapp_version}/{settings.whatsapp_phone_number_id}"
        self._url = f"{settings.whatsapp_url}/{place}/messages"
        self._callbacks = CallbackUrls(settings)
        self._headers = {
            "authorization": f"Bearer {settings.whatsapp_access_token.get_secret_value()}",
            "content-type": "application/json",
        }

    async def request(
        self, delivery: Delivery, workflow: Workflow, tenant: TenantSettings | None
    ) -> HttpRequest | Outcome:
        """The message. Raises RenderFailed."""
        body = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": delivery.address,
            **compose(delivery, workflow, tenant),
            "biz_opaque_callback_data": self._callbacks.token(delivery) or delivery.id,
        }
        return HttpRequest(url=self._url, headers=self._headers, body=orjson.dumps(body))

    def judge(self, answer: HttpAnswer, now: int) -> Outcome:
        """By the code in the body; where there is none that is known, by the status."""
        said = answer.json()
        wait = answer.retry_after_ms(now)
        error = said.get("error")
        code = error.get("code") if isinstance(error, dict) else None
        if isinstance(error, dict) and type(code) is int:
            return outcome_of(_meaning(code, error, answer.status), str(code), retry_after_ms=wait)
        if not 200 <= answer.status < 300:
            return outcome_of(meaning_of_status(answer.status), str(answer.status), retry_after_ms=wait)
        if (receipt := _receipt(said.get("messages"))) is not None:
            return outcome_of(Meaning.TAKEN, str(answer.status), receipt=receipt)
        return outcome_of(Meaning.UNREADABLE, UNREADABLE_ANSWER)


def _meaning(code: int, error: dict[str, object], status: int) -> Meaning:
    if code in PERMISSIONS or (code == _INVALID and error.get("error_subcode") == _NO_OBJECT):
        return Meaning.OUR_FAULT
    known = MEANINGS.get(code) or meaning_of_status(status)
    return Meaning.TRANSIENT if known is Meaning.TAKEN else known


def _receipt(messages: object) -> str | None:
    """What stands for the message's id, which itself has the recipient's number in base64."""
    first = messages[0] if isinstance(messages, list) and messages else None
    name = first.get("id") if isinstance(first, dict) else None
    return blake2b(name.encode(), digest_size=16).hexdigest() if isinstance(name, str) and name else None
