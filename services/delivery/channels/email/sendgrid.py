"""SendGrid's Mail Send API (v3), and what its answers mean."""

from __future__ import annotations

import re
from typing import Final

import orjson

from services.delivery.channels.callback_urls import CallbackUrls
from services.delivery.channels.email.compose import compose
from services.delivery.channels.email.letter import Letter
from services.delivery.channels.email.settings import EmailSettings
from services.delivery.core.attempts import Outcome
from services.delivery.core.meanings import Meaning, meaning_of_status, outcome_of
from services.delivery.outbound.http import HttpAnswer, HttpRequest
from services.delivery.outbound.retry_after import parse_reset
from services.delivery.rendering.links import SafeLinks
from services.delivery.rendering.liquid import RenderFailed
from shared.model.callback_links import CALLBACK_ARGUMENT
from shared.model.deliveries import Delivery
from shared.model.tenants import TenantSettings
from shared.model.workflows import Workflow

ACCEPTED: Final = 202
STATUSES: Final = {
    200: Meaning.TRANSIENT,  # only for what is sent in the sandbox: valid, and not queued
    400: Meaning.PERMANENT,
    401: Meaning.OUR_FAULT,  # the key, or no credits left
    403: Meaning.OUR_FAULT,  # the sender is not verified, the key may not send, or we are blocked
    406: Meaning.OUR_FAULT,
    413: Meaning.PERMANENT,  # above 30 MB
    415: Meaning.OUR_FAULT,
    429: Meaning.THROTTLED,
    500: Meaning.TRANSIENT,
    503: Meaning.PROVIDER_DOWN,
}
"""By the HTTP status: https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/responses"""
FIELDS: Final = {
    "personalizations.to.email": Meaning.DEAD_ADDRESS,
    "personalizations.to": Meaning.DEAD_ADDRESS,
    "personalizations": Meaning.PERMANENT,
    "from.email": Meaning.OUR_FAULT,
    "from.name": Meaning.OUR_FAULT,
    "from": Meaning.OUR_FAULT,
    "subject": Meaning.PERMANENT,
    "content.value": Meaning.PERMANENT,
    "content": Meaning.PERMANENT,
    "headers": Meaning.PERMANENT,
    "custom_args": Meaning.PERMANENT,
}
"""By the `field` of a 400, without the places in lists: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors"""
_PLACES: Final = re.compile(r"\.\d{1,4}(?=\.|$)")
MAX_ERRORS: Final = 10
"""Of one answer that are looked at."""


class SendGrid:
    """One account. It has no field that keeps a message from being sent twice; events tell `custom_args`."""

    def __init__(self, settings: EmailSettings, links: SafeLinks | None = None) -> None:
        self._url = f"{settings.sendgrid_url}/v3/mail/send"
        self._headers = {
            "authorization": f"Bearer {settings.sendgrid_api_key.get_secret_value()}",
            "content-type": "application/json",
            "accept": "application/json",
        }
        self._from = settings.sender
        self._links = links or SafeLinks()
        self._unsubscribe = settings.unsubscribe
        self._tracking = settings.tracking
        self._callbacks = CallbackUrls(settings)

    async def request(
        self, delivery: Delivery, workflow: Workflow, tenant: TenantSettings | None
    ) -> HttpRequest | Outcome:
        """The message. Raises RenderFailed, also for a subject or a text that is empty: it takes none."""
        letter = compose(
            delivery,
            workflow,
            self._from,
            self._links,
            tenant=tenant,
            unsubscribe=self._unsubscribe,
            tracking=self._tracking,
        )
        arguments = {"delivery": delivery.id, "notification": delivery.notification.id}
        if (token := self._callbacks.token(delivery)) is not None:
            arguments[CALLBACK_ARGUMENT] = (
                token  # its events repeat it: that is how they are known to be about this one
            )
        body = orjson.dumps({**payload(letter), "custom_args": arguments})
        return HttpRequest(url=self._url, headers=self._headers, body=body)

    def judge(self, answer: HttpAnswer, now: int) -> Outcome:
        """By the status; of a 400 by the field that it names."""
        status = answer.status
        if status == ACCEPTED:
            receipt = answer.headers.get("X-Message-Id") or None
            return outcome_of(Meaning.TAKEN, str(status), receipt=receipt and receipt[:64])
        if status == 400 and (field := _field(answer)) is not None:
            return outcome_of(FIELDS[field], f"{status} {field}")
        wait = answer.retry_after_ms(now)
        if wait is None:
            wait = parse_reset(answer.headers.get("X-RateLimit-Reset"), now)
        meaning = STATUSES.get(status) or (Meaning.TRANSIENT if 200 <= status < 300 else meaning_of_status(status))
        return outcome_of(meaning, str(status), retry_after_ms=wait)


def payload(letter: Letter) -> dict[str, object]:
    """The letter in its words. Raises RenderFailed for what it refuses in every case: refused requests count against us."""
    bodies = [("text/plain", letter.text), ("text/html", letter.html or "")]
    content = [{"type": kind, "value": value} for kind, value in bodies if value.strip()]
    if not letter.subject or not content:
        raise RenderFailed("empty_text" if letter.subject else "empty_subject")
    sender = {"email": letter.sender.address}
    return {
        "personalizations": [{"to": [{"email": letter.recipient}]}],
        "from": {**sender, "name": letter.sender.name} if letter.sender.name else sender,
        "subject": letter.subject,
        "content": content,
        "headers": dict(letter.fields),
    }


def _field(answer: HttpAnswer) -> str | None:
    """The first field of its errors that is known; its messages may hold an address, and are not looked at."""
    errors = answer.json().get("errors")
    for error in errors[:MAX_ERRORS] if isinstance(errors, list) else []:
        named = error.get("field") if isinstance(error, dict) else None
        field = _PLACES.sub("", named) if isinstance(named, str) else None
        if field in FIELDS:
            return field
    return None
