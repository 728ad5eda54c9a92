"""Web Push (RFC 8030) with VAPID (RFC 8292), encrypted for the browser (RFC 8291), and what push services answer.

Whose endpoint it is, a user says. So no answer but silence, 406, 429 and 5xx says anything of the whole push service.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import msgspec
import orjson
from http_ece import ECEException
from py_vapid import Vapid02, VapidException
from pywebpush import WebPusher, WebPushException

from services.delivery.channels.http_sender import HttpSender
from services.delivery.channels.push.compose import MAX_PAYLOAD, PushMessage, compose, seconds_left
from services.delivery.channels.push.credentials import parse_vapid_key
from services.delivery.channels.push.settings import PushSettings
from services.delivery.core.attempts import Outcome
from services.delivery.core.meanings import Meaning, outcome_of
from services.delivery.outbound.guard import Guard
from services.delivery.outbound.http import HttpAnswer, HttpClient, HttpRequest
from services.delivery.rendering.links import SafeLinks
from services.delivery.rendering.liquid import RenderFailed
from services.delivery.tenants import TenantTexts
from shared.model.deliveries import Delivery
from shared.model.devices import WebPushSubscription, platform_of, subscription_of
from shared.model.notifications import Priority
from shared.model.tenants import TenantSettings
from shared.model.workflows import Workflow
from shared.process.clock import now_ms

MEANINGS: Final = {
    200: Meaning.TAKEN,
    201: Meaning.TAKEN,
    202: Meaning.TAKEN,
    401: Meaning.TRANSIENT,  # our VAPID key, or a subscription that was made with another one
    403: Meaning.TRANSIENT,  # the same, in other services' words
    404: Meaning.DEAD_ADDRESS,
    406: Meaning.THROTTLED,  # as WNS, Edge's, says it
    408: Meaning.TRANSIENT,
    409: Meaning.TRANSIENT,
    410: Meaning.DEAD_ADDRESS,
    413: Meaning.PERMANENT,
    425: Meaning.TRANSIENT,
    429: Meaning.THROTTLED,
    500: Meaning.TRANSIENT,
    502: Meaning.PROVIDER_DOWN,
    503: Meaning.PROVIDER_DOWN,
    504: Meaning.PROVIDER_DOWN,
}
"""By the status. Of others a 5xx may pass, and the rest is about this message."""
INVALID_KEYS: Final = "invalid_keys"
VAPID_SECONDS: Final = 12 * 3600
"""How long a signature is good; a day is the most that services take."""
URGENCIES: Final = {
    Priority.LOW: "low",
    Priority.NORMAL: "normal",
    Priority.HIGH: "high",
    Priority.URGENT: "high",
}


class WebPush:
    """Every push service, with one VAPID key. The delivery id is in the message, and so is a tag made of it."""

    def __init__(self, settings: PushSettings, links: SafeLinks) -> None:
        self._vapid = parse_vapid_key(settings.webpush_private_key.get_secret_value())
        self._subject = settings.webpush_subject
        self._links = links

    async def request(
        self, delivery: Delivery, workflow: Workflow, tenant: TenantSettings | None
    ) -> HttpRequest | Outcome:
        """The encrypted message; DEAD_ADDRESS where nobody could encrypt for its keys. Raises RenderFailed."""
        message = compose(delivery, workflow, tenant, self._links)
        found = platform_of(delivery.address)
        try:
            subscription = subscription_of(found[1] if found is not None else "")
        except (msgspec.MsgspecError, ValueError):
            return outcome_of(Meaning.DEAD_ADDRESS, INVALID_KEYS)
        body = _encrypted(subscription, web_payload(delivery, message))
        if body is None:
            return outcome_of(Meaning.DEAD_ADDRESS, INVALID_KEYS)
        now = now_ms()
        try:
            authorization = vapid_header(self._vapid, self._subject, subscription.endpoint, now // 1000)
        except (VapidException, ValueError):
            return outcome_of(Meaning.PERMANENT, "invalid_url")
        headers = {
            "authorization": authorization,
            "content-type": "application/octet-stream",
            "content-encoding": "aes128gcm",
            "ttl": str(seconds_left(delivery.notification, now)),
            "urgency": URGENCIES[delivery.notification.priority],
            "topic": message.tag,
        }
        return HttpRequest(url=subscription.endpoint, headers=headers, body=body)

    def judge(self, answer: HttpAnswer, now: int) -> Outcome:
        """By the status: push services have no codes in common."""
        meaning = MEANINGS.get(answer.status, Meaning.TRANSIENT if answer.status >= 500 else Meaning.PERMANENT)
        wait = answer.retry_after_ms(now)
        return outcome_of(meaning, str(answer.status), retry_after_ms=wait)


def webpush_sender(settings: PushSettings, tenants: TenantTexts | None, links: SafeLinks) -> HttpSender:
    """With connections of its own; it reaches public addresses, and what the operator allows."""
    client = HttpClient(timeout_seconds=settings.push_timeout_seconds, guard=Guard(settings.webpush_allow))
    return HttpSender(WebPush(settings, links), client, tenants)


def web_payload(delivery: Delivery, message: PushMessage) -> bytes:
    """The JSON that the page's service worker gets."""
    shown = {"title": message.title, "body": message.body, "url": message.url, "tag": message.tag}
    return orjson.dumps(shown | {"notification": delivery.notification.id, "delivery": delivery.id})


def vapid_header(key: Vapid02, subject: str, endpoint: str, now: int) -> str:
    """`authorization`: who sends, to this push service, for the next hours. Raises VapidException, ValueError."""
    parts = urlsplit(endpoint)
    claims = {"aud": f"{parts.scheme}://{parts.netloc}".lower(), "sub": subject, "exp": now + VAPID_SECONDS}
    signed: dict[str, str] = key.sign(claims)
    return signed["Authorization"]


def _encrypted(subscription: WebPushSubscription, payload: bytes) -> bytes | None:
    """None: its keys are none. Raises RenderFailed, `too_long` for more than push services take."""
    keys = {"p256dh": subscription.p256dh, "auth": subscription.auth}
    try:
        body: bytes = WebPusher({"endpoint": subscription.endpoint, "keys": keys}).encode(payload)["body"]
    except (WebPushException, ECEException, ValueError, LookupError):
        return None
    if len(body) > MAX_PAYLOAD:
        raise RenderFailed("too_long")
    return body
