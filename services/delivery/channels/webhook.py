"""Webhooks as Standard Webhooks 1.0 says: signed, the same id on every try, no redirects, bounded."""

from __future__ import annotations

import hmac
from base64 import b64encode
from contextlib import suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Final

import aiohttp
import orjson
from yarl import URL

from services.delivery.attempts import Failed, Outcome, Rejected, Sent
from services.delivery.channels.guard import Forbidden, Guard, GuardedResolver
from shared.clock import now_ms
from shared.deliveries import Delivery
from shared.reasons import Reason
from shared.settings import DeliverySettings
from shared.timestamps import rfc3339
from shared.webhook_secrets import secret, signing_key
from shared.workflows import Workflow

MOST_READ: Final = 20_000
RETRYABLE: Final = frozenset({408, 409, 425, 429})


class WebhookSender:
    """Posts to the recipient's own endpoint; that it does not answer is its own fault and costs an attempt."""

    def __init__(self, settings: DeliverySettings) -> None:
        self._master = settings.webhook_secret.get_secret_value()
        self._guard = Guard(settings.webhook_allow)
        self._timeout = aiohttp.ClientTimeout(total=settings.webhook_timeout_seconds)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, delivery: Delivery, workflow: Workflow, send_before: float) -> Outcome:
        """One POST: `webhook-id` is the delivery id, `webhook-timestamp` that of this attempt."""
        del workflow, send_before  # nothing to render, nothing to wait for before the request
        body = payload(delivery)
        try:
            url = URL(delivery.address)
            self._guard.check_host(url.host or "")
            async with self._open().post(
                url, data=body, headers=self._headers(delivery, body), allow_redirects=False, timeout=self._timeout
            ) as response:
                with suppress(aiohttp.ClientError, TimeoutError, OSError):
                    # The status is the answer; the body is read so that the connection can be used again.
                    await response.content.read(MOST_READ)
                return judge(response.status, response.headers.get("Retry-After"), now_ms())
        except Forbidden:
            return Rejected(reason=Reason.FORBIDDEN_ADDRESS)
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, Forbidden):
                return Rejected(reason=Reason.FORBIDDEN_ADDRESS)
            return Failed(code="unreachable", silent=True)
        except (ValueError, aiohttp.NonHttpUrlClientError):  # InvalidURL is a ValueError, too
            return Rejected(code="invalid_url")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Failed(code=type(error).__name__, silent=True)

    async def close(self) -> None:
        """Ends the connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            # No limit of its own: the lanes' slots are the limit, and one lane's must not be the other's.
            connector = aiohttp.TCPConnector(resolver=GuardedResolver(self._guard), limit=0, use_dns_cache=False)
            self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        return self._session

    def _headers(self, delivery: Delivery, body: bytes) -> dict[str, str]:
        timestamp = str(now_ms() // 1000)
        endpoint = secret(self._master, delivery.notification.tenant, delivery.address)
        headers = {
            "content-type": "application/json",
            "user-agent": "carillon",
            "webhook-id": delivery.id,
            "webhook-timestamp": timestamp,
            "webhook-signature": sign(signing_key(endpoint), delivery.id, timestamp, body),
        }
        if delivery.notification.traceparent:
            headers["traceparent"] = delivery.notification.traceparent
        return headers


def payload(delivery: Delivery) -> bytes:
    """`{type, timestamp, data}` with the notification's id and recipient; the same bytes on every try."""
    notification = delivery.notification
    return orjson.dumps(
        {
            "type": notification.event_type,
            "timestamp": rfc3339(notification.accepted_at),
            "notification": notification.id,
            "workflow": notification.workflow,
            "user": notification.user,
            "data": orjson.Fragment(bytes(notification.data)),
        }
    )


def sign(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """`v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`."""
    digest = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, sha256)
    return "v1," + b64encode(digest).decode()


def judge(status: int, retry_after: str | None, now: int) -> Outcome:
    """2xx is success, 410 and other 4xx mean never, redirects too; what may pass is tried again."""
    if 200 <= status < 300:
        return Sent(receipt=str(status))
    if status >= 500 or status in RETRYABLE:
        return Failed(code=str(status), retry_after_ms=parse_retry_after(retry_after, now))
    return Rejected(code=str(status))


def parse_retry_after(text: str | None, now: int) -> int | None:
    """Milliseconds to wait by a Retry-After header (RFC 9110), seconds or a date; None when it says nothing."""
    if not text:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return int(text[:12]) * 1000
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # the endpoint may send anything
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0, round(at.timestamp() * 1000) - now)
