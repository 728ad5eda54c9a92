"""FCM's HTTP v1 API, and what its answers mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec
import orjson

from services.delivery.channels.http_sender import HttpSender
from services.delivery.channels.push.access_tokens import AccessTokens
from services.delivery.channels.push.compose import MAX_PAYLOAD, PushMessage, collapse_tag, compose, seconds_left
from services.delivery.channels.push.credentials import parse_service_account
from services.delivery.channels.push.settings import PushSettings
from services.delivery.core.attempts import Outcome
from services.delivery.core.meanings import UNREADABLE_ANSWER, Meaning, meaning_of_status, outcome_of
from services.delivery.outbound.http import HttpAnswer, HttpClient, HttpRequest
from services.delivery.rendering.links import SafeLinks
from services.delivery.rendering.liquid import RenderFailed
from services.delivery.tenants import TenantTexts
from shared.model.deliveries import Delivery
from shared.model.tenants import TenantSettings
from shared.model.workflows import Workflow
from shared.process.clock import now_ms

MEANINGS: Final = {
    # `errorCode` of google.firebase.fcm.v1.FcmError
    "UNREGISTERED": Meaning.DEAD_ADDRESS,
    "INVALID_ARGUMENT": Meaning.PERMANENT,  # the message, or the token's form: which of them, it does not say
    "SENDER_ID_MISMATCH": Meaning.PERMANENT,  # a token of another project; ours may be set wrong
    "QUOTA_EXCEEDED": Meaning.THROTTLED,
    "UNAVAILABLE": Meaning.PROVIDER_DOWN,
    "INTERNAL": Meaning.TRANSIENT,
    # Of the project's key at APNs, or of one browser's push service: Android must not wait for it.
    "THIRD_PARTY_AUTH_ERROR": Meaning.TRANSIENT,
    "UNSPECIFIED_ERROR": Meaning.TRANSIENT,
    # `status` of google.rpc.Status, where whoever answers is before FCM
    "UNAUTHENTICATED": Meaning.OUR_FAULT,
    "PERMISSION_DENIED": Meaning.OUR_FAULT,
    "NOT_FOUND": Meaning.OUR_FAULT,  # no such project
    "RESOURCE_EXHAUSTED": Meaning.THROTTLED,
    "DEADLINE_EXCEEDED": Meaning.TRANSIENT,
    "ABORTED": Meaning.TRANSIENT,
    "CANCELLED": Meaning.TRANSIENT,
    "UNKNOWN": Meaning.TRANSIENT,
    "UNIMPLEMENTED": Meaning.OUR_FAULT,
    "FAILED_PRECONDITION": Meaning.OUR_FAULT,
}
"""https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode"""
INVALID_TOKEN: Final = "INVALID_TOKEN"  # noqa: S105  # a code
BEARER: Final = "Bearer "
_TOKEN_FIELD: Final = "message.token"  # noqa: S105  # a path
_TOKEN_TEXT: Final = "The registration token is not a valid FCM registration token"  # noqa: S105  # what it says


class Fcm:
    """One project. The delivery id goes along as data, and as the tag of what Android shows."""

    def __init__(self, settings: PushSettings, client: HttpClient, links: SafeLinks) -> None:
        """`client` also gets the access tokens; whoever made it closes it."""
        account = parse_service_account(settings.fcm_service_account.get_secret_value())
        self._url = f"{settings.fcm_url}/v1/projects/{settings.fcm_project or account.project}/messages:send"
        self._links = links
        self._tokens = AccessTokens(
            account,
            settings.fcm_token_url or account.token_url,
            client,
            timeout_seconds=settings.push_timeout_seconds,
        )

    async def request(
        self, delivery: Delivery, workflow: Workflow, tenant: TenantSettings | None
    ) -> HttpRequest | Outcome:
        """The message. Raises RenderFailed."""
        body = fcm_body(delivery, compose(delivery, workflow, tenant, self._links), now_ms())
        return HttpRequest(url=self._url, headers={"content-type": "application/json; charset=utf-8"}, body=body)

    async def authorize(self, request: HttpRequest) -> HttpRequest | Outcome:
        """With an access token; or why there is none now."""
        token = await self._tokens.get()
        if not isinstance(token, str):
            return token
        return msgspec.structs.replace(request, headers={**request.headers, "authorization": f"{BEARER}{token}"})

    def heard(self, request: HttpRequest, answer: HttpAnswer) -> None:
        """A 401 of FCM's own is about its account at APNs or a browser's push service; any other is about the token."""
        if answer.status == 401 and not any(_own_codes(answer.json().get("error"))):
            self._tokens.forget(request.headers["authorization"].removeprefix(BEARER))

    def judge(self, answer: HttpAnswer, now: int) -> Outcome:
        """By the code of its own among the details; else by that of Google's, else by the HTTP status."""
        if 200 <= answer.status < 300:
            name = answer.json().get("name")
            if not isinstance(name, str):
                return outcome_of(Meaning.UNREADABLE, UNREADABLE_ANSWER)
            return outcome_of(Meaning.TAKEN, str(answer.status), receipt=name.rpartition("/")[2][:64])
        wait = answer.retry_after_ms(now)
        error = answer.json().get("error")
        code = next((code for code in _codes(error) if code in MEANINGS), None)
        if code == "INVALID_ARGUMENT" and _is_about_token(error):
            return outcome_of(Meaning.DEAD_ADDRESS, INVALID_TOKEN)
        meaning = meaning_of_status(answer.status) if code is None else MEANINGS[code]
        return outcome_of(meaning, code or str(answer.status), retry_after_ms=wait)


def fcm_sender(settings: PushSettings, tenants: TenantTexts | None, links: SafeLinks) -> HttpSender:
    """With connections of its own, for the messages and the access tokens."""
    client = HttpClient(timeout_seconds=settings.push_timeout_seconds)
    return HttpSender(Fcm(settings, client, links), client, tenants)


def fcm_body(delivery: Delivery, message: PushMessage, now: int) -> bytes:
    """The request's body. Raises RenderFailed, `too_long` for more than a device takes."""
    about = delivery.notification
    collapse, urgent = collapse_tag(about), about.priority.is_express
    shown = {"title": message.title, "body": message.body}
    data = {"notification": about.id, "delivery": delivery.id} | ({"url": message.url} if message.url else {})
    if len(orjson.dumps([shown, data])) > MAX_PAYLOAD:
        raise RenderFailed("too_long")
    lasts = seconds_left(about, now)
    android = {
        "ttl": f"{lasts}s",
        "priority": "HIGH" if urgent else "NORMAL",
        "notification": {"tag": message.tag},
        **({"collapse_key": collapse} if collapse else {}),
    }
    apns = {
        "apns-expiration": str(now // 1000 + lasts),
        "apns-priority": "10" if urgent else "5",
        "apns-collapse-id": message.tag,
    }
    web = {"TTL": str(lasts), "Urgency": "high" if urgent else "normal", "Topic": message.tag}
    link = {"fcm_options": {"link": message.url}} if message.url and message.url.startswith("https://") else {}
    return orjson.dumps(
        {
            "message": {
                "token": delivery.address.partition(":")[2],
                "notification": shown,
                "data": data,
                "android": android,
                "apns": {"headers": apns, "payload": {"aps": {"sound": "default"}}},
                "webpush": {"headers": web, "notification": {"tag": message.tag}, **link},
            }
        }
    )


def _details(error: object) -> Iterator[dict[object, object]]:
    found = error.get("details") if isinstance(error, dict) else None
    for each in found if isinstance(found, list) else ():
        if isinstance(each, dict):
            yield each


def _codes(error: object) -> Iterator[str]:
    """Its own, then Google's."""
    yield from _own_codes(error)
    status = error.get("status") if isinstance(error, dict) else None
    if isinstance(status, str):
        yield status


def _own_codes(error: object) -> Iterator[str]:
    for one in _details(error):
        code = one.get("errorCode")
        if isinstance(code, str):
            yield code


def _is_about_token(error: object) -> bool:
    """Whether the token is what it does not take, and not something else of the message."""
    if isinstance(error, dict) and error.get("message") == _TOKEN_TEXT:
        return True
    found = [each.get("fieldViolations") for each in _details(error)]
    fields = [one.get("field") for some in found if isinstance(some, list) for one in some if isinstance(one, dict)]
    return _TOKEN_FIELD in fields
