"""Apple's push service (APNs) over HTTP/2, with a token of our key, and what its answers mean."""

from __future__ import annotations

from typing import Final

import jwt
import orjson

from services.delivery.channels.http_sender import HttpSender
from services.delivery.channels.push.compose import MAX_PAYLOAD, PushMessage, compose, seconds_left
from services.delivery.channels.push.credentials import parse_apns_key
from services.delivery.channels.push.settings import PushSettings
from services.delivery.core.attempts import Outcome
from services.delivery.core.meanings import Meaning, meaning_of_status, outcome_of
from services.delivery.outbound.http import HttpAnswer, HttpRequest
from services.delivery.outbound.http2 import Http2Client
from services.delivery.rendering.links import SafeLinks
from services.delivery.rendering.liquid import RenderFailed
from services.delivery.tenants import TenantTexts
from shared.model.deliveries import Delivery
from shared.model.tenants import TenantSettings
from shared.model.workflows import Workflow
from shared.process.clock import now_ms

MEANINGS: Final = {
    # 400
    "BadCollapseId": Meaning.PERMANENT,
    "BadDeviceToken": Meaning.DEAD_ADDRESS,  # or one of the other environment: see Apns.judge
    "BadExpirationDate": Meaning.PERMANENT,
    "BadMessageId": Meaning.PERMANENT,
    "BadPriority": Meaning.PERMANENT,
    "BadTopic": Meaning.OUR_FAULT,
    "DeviceTokenNotForTopic": Meaning.PERMANENT,  # another app's; ours may be set wrong
    "DuplicateHeaders": Meaning.PERMANENT,
    "IdleTimeout": Meaning.TRANSIENT,
    "InvalidPushType": Meaning.PERMANENT,
    "MissingDeviceToken": Meaning.PERMANENT,
    "MissingTopic": Meaning.OUR_FAULT,
    "PayloadEmpty": Meaning.PERMANENT,
    "TopicDisallowed": Meaning.OUR_FAULT,
    # 403
    "BadCertificate": Meaning.OUR_FAULT,
    "BadCertificateEnvironment": Meaning.OUR_FAULT,
    "BadEnvironmentKeyIdInToken": Meaning.OUR_FAULT,
    "BadEnvironmentKeyInToken": Meaning.OUR_FAULT,
    "ExpiredProviderToken": Meaning.OUR_FAULT,
    "Forbidden": Meaning.OUR_FAULT,
    "InvalidProviderToken": Meaning.OUR_FAULT,
    "MissingProviderToken": Meaning.OUR_FAULT,
    "UnrelatedKeyIdInToken": Meaning.OUR_FAULT,
    # 404, 405
    "BadPath": Meaning.PERMANENT,
    "MethodNotAllowed": Meaning.OUR_FAULT,
    # 410
    "ExpiredToken": Meaning.DEAD_ADDRESS,
    "Unregistered": Meaning.DEAD_ADDRESS,
    # 413, 429
    "PayloadTooLarge": Meaning.PERMANENT,
    "TooManyProviderTokenUpdates": Meaning.THROTTLED,
    "TooManyRequests": Meaning.TRANSIENT,  # to this one device
    # 500, 503
    "InternalServerError": Meaning.TRANSIENT,
    "ServiceUnavailable": Meaning.PROVIDER_DOWN,
    "Shutdown": Meaning.TRANSIENT,  # this one of its servers
}
"""By `reason`: https://developer.apple.com/documentation/usernotifications/handling-notification-responses-from-apns"""
WRONG_ENVIRONMENT: Final = "BadDeviceToken"
TOKEN_SECONDS: Final = 1800
"""A token is good for an hour, and must not be made anew within 20 minutes. All workers begin one at the same half hour:
different ones of the same key count as anew."""


class Apns:
    """One app. `apns-id` is the delivery id."""

    def __init__(self, settings: PushSettings, links: SafeLinks) -> None:
        self._url = settings.apns_server
        self._topic = settings.apns_topic
        self._team = settings.apns_team_id
        self._key_id = settings.apns_key_id
        self._key = parse_apns_key(settings.apns_key.get_secret_value())
        self._links = links
        self._token = (0, "")
        self._proven = False

    async def request(
        self, delivery: Delivery, workflow: Workflow, tenant: TenantSettings | None
    ) -> HttpRequest | Outcome:
        """The message. Raises RenderFailed."""
        message, now, about = compose(delivery, workflow, tenant, self._links), now_ms(), delivery.notification
        headers = {
            "authorization": f"bearer {self._provider_token(now // 1000)}",
            "apns-id": delivery.id,
            "apns-topic": self._topic,
            "apns-push-type": "alert",
            "apns-priority": "10" if about.priority.is_express else "5",
            "apns-expiration": str(now // 1000 + seconds_left(about, now)),
            "apns-collapse-id": message.tag,
            "content-type": "application/json",
        }
        token = delivery.address.partition(":")[2]
        return HttpRequest(url=f"{self._url}/3/device/{token}", headers=headers, body=apns_body(delivery, message))

    def judge(self, answer: HttpAnswer, now: int) -> Outcome:
        """By the reason; where there is none that is known, by the status.

        Every token is a bad one where the environment is set wrong: as long as nothing was taken, that empties no profile.
        """
        if answer.status == 200:
            self._proven = True
            return outcome_of(Meaning.TAKEN, "200", receipt=(answer.headers.get("apns-id") or "")[:64])
        wait = answer.retry_after_ms(now)
        reason = answer.json().get("reason")
        if not isinstance(reason, str) or reason not in MEANINGS:
            return outcome_of(meaning_of_status(answer.status), str(answer.status), retry_after_ms=wait)
        unsure = reason == WRONG_ENVIRONMENT and not self._proven
        return outcome_of(Meaning.PERMANENT if unsure else MEANINGS[reason], reason, retry_after_ms=wait)

    def _provider_token(self, now: int) -> str:
        since, token = self._token
        if not since <= now < since + TOKEN_SECONDS:
            since = now - now % TOKEN_SECONDS
            claims = {"iss": self._team, "iat": since}
            token = jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": self._key_id})
            self._token = (since, token)
        return token


def apns_sender(settings: PushSettings, tenants: TenantTexts | None, links: SafeLinks) -> HttpSender:
    """With connections of its own."""
    client = Http2Client(
        settings.apns_server, timeout_seconds=settings.push_timeout_seconds, ca_file=settings.apns_ca_file
    )
    return HttpSender(Apns(settings, links), client, tenants)


def apns_body(delivery: Delivery, message: PushMessage) -> bytes:
    """The payload. Raises RenderFailed, `too_long` for more than a device takes."""
    ids = {"notification": delivery.notification.id, "delivery": delivery.id}
    body = orjson.dumps(
        {
            "aps": {"alert": {"title": message.title, "body": message.body}, "sound": "default"},
            **ids,
            **({"url": message.url} if message.url else {}),
        }
    )
    if len(body) > MAX_PAYLOAD:
        raise RenderFailed("too_long")
    return body
